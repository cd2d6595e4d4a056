import { expect, test } from "vitest";
import { createFrameDecoder, encodeFrame } from "./grpc-frames.ts";

const messages = ["", "a", "b".repeat(70_000)].map((text) => Buffer.from(text));
const wire = Buffer.concat(messages.map(encodeFrame));

test.for([1, 4, 5, 6, 16_384, wire.length])("messages come out whole from pieces of %i bytes", (pieceBytes) => {
  const decode = createFrameDecoder(100_000);
  const found: Buffer[] = [];
  for (let at = 0; at < wire.length; at += pieceBytes) found.push(...decode(wire.subarray(at, at + pieceBytes)));
  expect(found.map(String)).toEqual(messages.map(String));
});

test("what was not asked for is refused", () => {
  expect(() => createFrameDecoder(10)(encodeFrame(Buffer.alloc(11)))).toThrow("11 bytes; the limit is 10");
  expect(() => createFrameDecoder(10)(Buffer.from([1, 0, 0, 0, 0]))).toThrow("compressed");
});
