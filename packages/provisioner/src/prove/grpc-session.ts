import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
} from "node:http2";
import { createFrameDecoder, encodeFrame } from "./grpc-frames.ts";
import type { TlsConnection } from "./tls-connection.ts";

/** How a gRPC call ended. */
export type StreamEnd =
  | { kind: "status"; code: number; message: string }
  | { kind: "http"; status: number }
  | { kind: "broken"; error: Error }
  /** The server closed the connection in good order; `text` is what it said, such as `max_age`. */
  | { kind: "goaway"; text: string }
  | { kind: "cancelled" };

export interface StreamHandlers {
  onMessage(message: Buffer): void;
  /** Once, last. */
  onEnd(end: StreamEnd): void;
}

export interface GrpcStream {
  /** Nothing is sent once the stream has ended. */
  send(message: Buffer): void;
  /** No more messages from here. */
  finish(): void;
  cancel(): void;
}

export interface GrpcSession {
  /** On a connection that is gone already, the stream ends at once. */
  openStream(path: string, metadata: Record<string, string>, handlers: StreamHandlers): GrpcStream;
  /** Round trip of an HTTP/2 ping in milliseconds. Fails when the connection does. */
  ping(): Promise<number>;
  /** Calls back when the server says that it will close the connection in a while. */
  onGoaway(callback: () => void): void;
  /** Cancels what is open and returns when the socket is closed. Can be repeated. */
  close(): Promise<void>;
}

export interface SessionOptions {
  /** Pings after so long without one, and gives the connection up when the answer takes longer than `timeoutMs`. */
  keepAlive?: { intervalMs: number; timeoutMs: number };
}

/** A mesh of ten thousand services has clusters and listeners of tens of megabytes. */
const maxMessageBytes = 256 * 1024 * 1024;
/** Room for a large response without a round trip per 64 KiB. */
const windowBytes = 4 * 1024 * 1024;
const closeGraceMs = 500;

/**
 * gRPC over one verified TLS connection, on Node's own HTTP/2. grpc-js is not used: it opens its sockets itself, and one that
 * hangs in the TLS handshake stays open for ever, also after `close`; nor does it tell why a connection failed except in prose.
 */
export function openGrpcSession(
  { socket }: TlsConnection,
  authority: string,
  options: SessionOptions = {},
): GrpcSession {
  const session = connect(`https://${authority}`, {
    createConnection: () => socket,
    settings: { enablePush: false, initialWindowSize: windowBytes },
    maxSessionMemory: 64,
  });
  let goawayText: string | undefined;
  let sessionError: Error | undefined;
  session.once("connect", () => session.setLocalWindowSize(windowBytes));
  session.on("error", (error: Error) => {
    sessionError ??= error;
  });
  session.on("goaway", (_code: number, _lastStream: number, text?: Buffer) => {
    // The last of several says nothing more.
    goawayText = goawayText || (text?.toString("utf8") ?? "");
  });
  const open = new Set<GrpcStream>();
  const stopKeepAlive = options.keepAlive === undefined ? () => {} : keepAlive(session, options.keepAlive);
  session.once("close", stopKeepAlive);

  return {
    openStream: (path, metadata, handlers) => {
      if (session.destroyed || session.closed) return openNothing(handlers, sessionError);
      const stream = openStream(session, path, metadata, {
        onMessage: (message) => handlers.onMessage(message),
        onEnd: (end) => {
          open.delete(stream);
          if (end.kind !== "broken") handlers.onEnd(end);
          else if (goawayText !== undefined) handlers.onEnd({ kind: "goaway", text: goawayText });
          else handlers.onEnd({ kind: "broken", error: sessionError ?? end.error });
        },
      });
      open.add(stream);
      return stream;
    },
    ping: () => ping(session),
    onGoaway: (callback) => session.once("goaway", callback),
    close: async () => {
      stopKeepAlive();
      if (socket.destroyed) return;
      const closed = new Promise<void>((resolve) => {
        socket.once("close", () => resolve());
      });
      for (const stream of open) stream.cancel();
      session.close();
      const timer = setTimeout(() => {
        session.destroy();
        socket.destroy();
      }, closeGraceMs);
      await closed;
      clearTimeout(timer);
    },
  };
}

function ping(session: ClientHttp2Session): Promise<number> {
  return new Promise((resolve, reject) => {
    const refused = () => reject(new Error("the connection closed before the ping was answered"));
    if (session.destroyed || session.closed) {
      refused();
      return;
    }
    session.once("close", refused);
    const sent = session.ping((error, durationMs) => {
      session.off("close", refused);
      if (error === null) resolve(durationMs);
      else reject(error);
    });
    if (!sent) refused();
  });
}

function keepAlive(session: ClientHttp2Session, { intervalMs, timeoutMs }: { intervalMs: number; timeoutMs: number }) {
  let waiting: NodeJS.Timeout | undefined;
  const interval = setInterval(() => {
    if (waiting !== undefined) return;
    waiting = setTimeout(() => {
      session.destroy(new KeepAliveTimeout(`no answer to a keepalive ping within ${timeoutMs} ms`));
    }, timeoutMs);
    const answered = () => {
      clearTimeout(waiting);
      waiting = undefined;
    };
    ping(session).then(answered, answered);
  }, intervalMs);
  return () => {
    clearInterval(interval);
    clearTimeout(waiting);
  };
}

/** The connection went silent: nothing came back within the keepalive's time. */
export class KeepAliveTimeout extends Error {
  override readonly name = "KeepAliveTimeout";
  readonly code = "KEEPALIVE_TIMEOUT";
}

function openNothing(handlers: StreamHandlers, error: Error | undefined): GrpcStream {
  queueMicrotask(() => handlers.onEnd({ kind: "broken", error: error ?? new Error("the connection is closed") }));
  return { send: () => {}, finish: () => {}, cancel: () => {} };
}

type AnswerHeaders = IncomingHttpHeaders & { ":status"?: number | undefined };

function openStream(
  session: ClientHttp2Session,
  path: string,
  metadata: Record<string, string>,
  handlers: StreamHandlers,
): GrpcStream {
  const stream = session.request({
    ":method": "POST",
    ":path": path,
    "content-type": "application/grpc",
    te: "trailers",
    "user-agent": "pilothouse-prober",
    ...metadata,
  });
  const decode = createFrameDecoder(maxMessageBytes);
  let answer: AnswerHeaders = {};
  let trailers: IncomingHttpHeaders | undefined;
  let failure: Error | undefined;
  let cancelled = false;
  const cancel = () => {
    cancelled = true;
    stream.close(constants.NGHTTP2_CANCEL);
  };
  stream.on("response", (headers) => {
    answer = headers;
    // An answer without messages carries its status here.
    if (headers["grpc-status"] !== undefined) trailers = headers;
  });
  stream.on("trailers", (headers: IncomingHttpHeaders) => {
    trailers = headers;
  });
  stream.on("error", (error) => {
    failure ??= error;
  });
  stream.on("data", (chunk: Buffer) => {
    if (!isGrpc(answer) || failure !== undefined) return;
    try {
      for (const message of decode(chunk)) handlers.onMessage(message);
    } catch (error) {
      failure = error instanceof Error ? error : new Error(String(error));
      stream.close(constants.NGHTTP2_PROTOCOL_ERROR);
    }
  });
  // The server is through; a stream of which only this side is open would stay for ever.
  stream.once("end", () => stream.close());
  stream.once("close", () => {
    if (cancelled) handlers.onEnd({ kind: "cancelled" });
    else if (trailers !== undefined) handlers.onEnd(readStatus(trailers));
    else if (answer[":status"] !== undefined && !isGrpc(answer)) {
      handlers.onEnd({ kind: "http", status: answer[":status"] });
    } else handlers.onEnd({ kind: "broken", error: failure ?? describeReset(stream) });
  });
  return {
    send: (message) => {
      if (!stream.destroyed && !stream.closed && stream.writable) stream.write(encodeFrame(message));
    },
    finish: () => stream.end(),
    cancel,
  };
}

function isGrpc(headers: AnswerHeaders): boolean {
  return headers[":status"] === 200 && (headers["content-type"] ?? "").startsWith("application/grpc");
}

function describeReset(stream: ClientHttp2Stream): Error {
  return new Error(`the stream was closed without a status (HTTP/2 code ${stream.rstCode ?? "none"})`);
}

function readStatus(trailers: IncomingHttpHeaders): StreamEnd {
  const code = Number(trailers["grpc-status"]);
  const text = String(trailers["grpc-message"] ?? "");
  try {
    return { kind: "status", code, message: decodeURIComponent(text) };
  } catch {
    return { kind: "status", code, message: text };
  }
}
