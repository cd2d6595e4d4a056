import { expect, test } from "vitest";
import { createStreamParser } from "./event-stream.ts";

const stream = [
  "\uFEFFretry: 500\r\nid: 1-0\r\n\r\n",
  ": heartbeat\n\n",
  'id: 1-1\nevent: cluster.created\ndata: {"a":\ndata: 1}\n\n',
  "id: 1-2\rdata: plain\r\r",
  "data:no space\nunknown: x\n\n",
  "id: 1-3\ndata: cut off\n",
].join("");

const messages = [
  { id: "1-1", type: "cluster.created", data: '{"a":\n1}' },
  { id: "1-2", type: "message", data: "plain" },
  { id: "1-2", type: "message", data: "no space" },
];

test.each([1, 2, 3, 7, stream.length])("a stream that comes in pieces of %d characters is read the same", (size) => {
  const parse = createStreamParser("0-9");
  const pieces = Array.from({ length: Math.ceil(stream.length / size) }, (_, index) =>
    parse(stream.slice(index * size, (index + 1) * size)),
  );
  expect(pieces.flatMap((piece) => piece.messages)).toEqual(messages);
  expect(pieces.at(-1)).toMatchObject({ lastEventId: "1-2", retryMs: 500 });
});

test("a message that names no id keeps the one that the stream was resumed with", () => {
  expect(createStreamParser("4-2")("data: x\n\n").messages).toEqual([{ id: "4-2", type: "message", data: "x" }]);
});

test("an id alone, without data, moves the position", () => {
  expect(createStreamParser()("id: 7-0\n\n")).toEqual({ messages: [], lastEventId: "7-0", retryMs: undefined });
});
