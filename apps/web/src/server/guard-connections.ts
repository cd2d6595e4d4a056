import { subscribe } from "node:diagnostics_channel";
import { Server, ServerResponse } from "node:http";
import { Duplex } from "node:stream";
import { DomainError } from "@pilothouse/core";
import { answerError } from "./answer-problem.ts";
import { readRequestId } from "./route.ts";

/**
 * Sees to it that what never becomes a request is answered in the API's own words, too. By itself Node answers what it can't parse with a bare
 * status, and Next closes the connection of whoever offers to speak another protocol, as some clients do with HTTP/2 on every request.
 */
export function guardConnections(): void {
  const guarded = new WeakSet<Server>();
  // What each connection is answering: only where nothing was sent yet, a refusal may be.
  const answers = new WeakMap<Duplex, ServerResponse>();
  subscribe("net.server.socket", (message) => {
    const server = readPart(readPart(message, "socket"), "server");
    if (!isServer(server) || guarded.has(server)) return;
    guarded.add(server);
    guardServer(server, answers);
  });
  subscribe("http.server.request.start", (message) => {
    const [response, socket] = [readPart(message, "response"), readPart(message, "socket")];
    if (isResponse(response) && socket instanceof Duplex) answers.set(socket, response);
  });
}

function guardServer(server: Server, answers: WeakMap<Duplex, ServerResponse>): void {
  // An offer may be left alone (RFC 9110, 7.8), but for that of `next dev` to its own pages.
  Reflect.set(server, "shouldUpgradeCallback", ({ url }: { url?: string }) => url?.startsWith("/_next/") === true);
  // An expectation that is not known, too (RFC 9110, 10.1.1).
  server.on("checkExpectation", (request, response) => server.emit("request", request, response));
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    const answer = answers.get(socket);
    const isBusy = answer !== undefined && !answer.writableFinished && answer.headersSent;
    if (!socket.writable || isBusy || error.code === "ECONNRESET") return void socket.destroy();
    void refuse(socket, describeFault(error.code));
  });
}

function describeFault(code: string | undefined): DomainError {
  if (code === "HPE_HEADER_OVERFLOW") {
    return new DomainError(
      "HeadersTooLarge",
      "The request's headers are longer than 16 KiB, or its path is. Send shorter ones.",
    );
  }
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") {
    return new DomainError("RequestTooSlow", "The request did not come to its end in time. Send it again.");
  }
  return new DomainError("MalformedRequest", "This is no HTTP request that can be read. Send one of HTTP/1.1.");
}

async function refuse(socket: Duplex, fault: DomainError): Promise<void> {
  const response = answerError(fault, { requestId: readRequestId(new Headers()), headers: { connection: "close" } });
  const body = await response.text();
  const headers = [...response.headers].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  socket.end(
    `HTTP/1.1 ${response.status} ${fault.code}\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function isServer(value: unknown): value is Server {
  return value instanceof Server;
}

function isResponse(value: unknown): value is ServerResponse {
  return value instanceof ServerResponse;
}

function readPart(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}
