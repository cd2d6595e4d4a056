import { createServer, type RequestListener, type Server } from "node:http";
import { connect, type Socket } from "node:net";
import { problemSchema } from "@pilothouse/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { guardConnections } from "./guard-connections.ts";

let server: Server;
let port = 0;

const listener: RequestListener = (request, response) => {
  request.on("error", () => {});
  if (request.url === "/begun") response.write("begun");
  else request.resume().on("end", () => response.end("answered"));
};

beforeAll(async () => {
  guardConnections();
  server = createServer(listener);
  // As Next does.
  server.on("upgrade", (_, socket) => socket.end());
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const address = server.address();
  port = typeof address === "object" ? (address?.port ?? 0) : 0;
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

/** Everything that comes back until the connection ends. @param onPiece called with what has come so far */
function send(text: string, onPiece: (received: string, socket: Socket) => void = () => {}): Promise<string> {
  return new Promise((settle, reject) => {
    const socket = connect(port, "127.0.0.1", () => socket.write(text));
    let received = "";
    socket.setTimeout(5_000, () => reject(new Error(`nothing more came after: ${received}`)));
    socket.on("data", (piece: Buffer) => {
      received += piece.toString();
      onPiece(received, socket);
    });
    socket.on("error", reject);
    socket.on("close", () => settle(received));
  });
}

const chunked = "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n";

test.each([
  ["no request", "NONSENSE\r\n\r\n", 400, "MalformedRequest"],
  ["a header of 20 KiB", `GET / HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(20_480)}\r\n\r\n`, 431, "HeadersTooLarge"],
  ["a path of 20 KiB", `GET /${"a".repeat(20_480)} HTTP/1.1\r\nHost: x\r\n\r\n`, 431, "HeadersTooLarge"],
  ["a body whose length is no number", `POST / HTTP/1.1\r\n${chunked}ZZ\r\n`, 400, "MalformedRequest"],
])("%s is refused with a problem", async (_, request, status, code) => {
  const [head = "", body = ""] = (await send(request)).split("\r\n\r\n");
  expect(head).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
  expect(head).toContain("content-type: application/problem+json");
  expect(head).toContain(`content-length: ${Buffer.byteLength(body)}`);
  expect(problemSchema.parse(JSON.parse(body))).toMatchObject({ status, code });
});

test("an answer that was begun is cut off, and no second one is put behind it", async () => {
  const received = await send(`POST /begun HTTP/1.1\r\n${chunked}`, (_, socket) => socket.write("ZZ\r\n"));
  expect(received).toContain("begun");
  expect(received.match(/HTTP\/1.1/g)).toHaveLength(1);
});

test.each([
  ["HTTP/2", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"],
  ["a websocket", "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"],
  ["what nobody knows", "Expect: the-impossible\r\n"],
])("a request that would like %s is answered as any other", async (_, headers) => {
  const received = await send(`GET / HTTP/1.1\r\nHost: x\r\n${headers}\r\n`, (text, socket) => {
    if (text.endsWith("answered")) socket.destroy();
  });
  expect(received).toMatch(/^HTTP\/1.1 200 OK\r\n[^]*answered$/);
});
