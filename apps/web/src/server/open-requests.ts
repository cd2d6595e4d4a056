import { subscribe } from "node:diagnostics_channel";
import { ServerResponse } from "node:http";
import { Server } from "node:net";

/** What this process's HTTP server is answering. */
export interface OpenRequests {
  /** From now on every answer tells its client to come back over another connection. */
  turnAway: () => void;
  /** Takes no more connections, and waits until every answer is out, however long that takes. */
  finish: () => Promise<void>;
  /** Cuts off event streams that are still open: their readers take nothing, not even the end. */
  dropStreams: () => void;
}

/** Keeps count of what is being answered, from now on. Next makes the server and keeps it to itself, so it is known from its first request on. */
export function watchOpenRequests(): OpenRequests {
  const open = new Set<ServerResponse>();
  let server: Server | undefined;
  let turningAway = false;
  let onEmpty = () => {};
  subscribe("http.server.request.start", (message) => {
    const { response, server: from } = readMessage(message);
    if (response === undefined) return;
    server = from;
    open.add(response);
    if (turningAway) response.shouldKeepAlive = false;
    // Comes after the answer was handed to the operating system, and when the client went.
    response.once("close", () => {
      open.delete(response);
      if (open.size === 0) onEmpty();
    });
  });
  return {
    turnAway: () => {
      turningAway = true;
    },
    finish: async () => {
      // Not the HTTP server's own `close`: that cuts connections whose answer was ended, and not sent yet.
      if (server !== undefined) Server.prototype.close.call(server);
      if (open.size > 0) await new Promise<void>((settle) => (onEmpty = settle));
    },
    dropStreams: () => {
      for (const response of open) {
        if (String(response.getHeader("content-type")).startsWith("text/event-stream")) response.destroy();
      }
    },
  };
}

function isResponse(value: unknown): value is ServerResponse {
  return value instanceof ServerResponse;
}

function readMessage(message: unknown): { response?: ServerResponse; server?: Server } {
  if (typeof message !== "object" || message === null) return {};
  const response: unknown = Reflect.get(message, "response");
  const server: unknown = Reflect.get(message, "server");
  return {
    ...(isResponse(response) ? { response } : {}),
    ...(server instanceof Server ? { server } : {}),
  };
}
