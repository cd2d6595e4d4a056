import type { Dispatcher } from "undici";
import type { Deadline } from "../deadline.ts";
import { ProvisionerError } from "../errors.ts";
import type { ClusterAccess } from "../types.ts";
import type { AddressCheck } from "./checked-connector.ts";
import { openConnectionPool } from "./connection-pool.ts";
import { createNetworkError, createStatusError } from "./kube-errors.ts";
import type { KubeCall } from "./kube-errors.ts";

export type HttpMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One finished call, for logs: no bodies, no headers. */
export interface CallRecord {
  server: string;
  method: HttpMethod;
  path: string;
  /** 0 when there was no answer. */
  status: number;
  durationMs: number;
}

export interface TransportOptions {
  deadline: Deadline;
  signal?: AbortSignal;
  /** Longest time one call may take. */
  callTimeoutMs?: number;
  /** Says which addresses of the server may be connected to; every connection goes to one of those. */
  checkAddress?: AddressCheck;
  /**
   * Uses connections that all clients of this process with the same access and the same `checkAddress` share and that stay for half a minute when the
   * last of them is closed: for a server that several runs call.
   */
  sharesConnections?: boolean;
  log?: (record: CallRecord) => void;
}

export interface TransportRequest {
  method: HttpMethod;
  /** Path with query. */
  path: string;
  body?: unknown;
  contentType?: string;
  /** In place of plain JSON. */
  accept?: string;
  /** What is left for this answer and those that follow it; each takes its length away. */
  budget?: { bytes: number };
}

export interface Transport {
  /** The parsed answer. Statuses in `expect` are answered as undefined, all others of 300 or more are thrown. */
  send(request: TransportRequest, call: Pick<KubeCall, "verb" | "subject">, expect?: number[]): Promise<unknown>;
  /** The answer's text as it is. Every status of 300 or more is thrown. */
  sendForText(request: TransportRequest, call: Pick<KubeCall, "verb" | "subject">): Promise<string>;
  /** Ends all connections, and with them the calls under way. Later sends are refused: `ClientClosed` (unknown). */
  close(): Promise<void>;
}

const defaultCallTimeoutMs = 15_000;
/** Larger than any answer, or all pages of a list, should be; ends what a hostile server could send without end. */
export const longestAnswerBytes = 64 * 1024 * 1024;

/**
 * HTTPS with kept connections to one API server. A request is written only if, in that same turn of the event loop, neither the
 * deadline has passed nor a signal was aborted: a process that slept through its deadline while a request waited for its
 * connection writes nothing. Each write also carries the API server's `timeout` parameter, so that a request of which a part
 * was already sent when the process stopped is not carried out later.
 */
export function createTransport(access: ClusterAccess, options: TransportOptions): Transport {
  const callTimeoutMs = options.callTimeoutMs ?? defaultCallTimeoutMs;
  const { server, credential } = access;
  const pool = openConnectionPool(access, { ...options, callTimeoutMs });
  const underWay = new Set<AnswerCollector>();
  let isClosed = false;

  const headers: Record<string, string> = {
    accept: "application/json",
    "user-agent": "pilothouse",
    ...("token" in credential ? { authorization: `Bearer ${credential.token}` } : {}),
  };
  const hideCredential = (text: string) =>
    "token" in credential ? text.replaceAll(credential.token, "[token]") : text;

  async function sendAndRead<Result>(
    request: TransportRequest,
    named: Pick<KubeCall, "verb" | "subject">,
    read: (answer: Answer, call: KubeCall) => Result,
    expect: number[] = [],
  ): Promise<Result | undefined> {
    const call: KubeCall = { server, ...named };
    const startedMs = performance.now();
    let status = 0;
    try {
      const answer = await exchange(request, call);
      status = answer.status;
      if (status < 300) return read(answer, call);
      if (expect.includes(status)) return undefined;
      throw createStatusError(call, status, readErrorBody(hideCredential(answer.text)));
    } catch (error) {
      throw createNetworkError(call, error);
    } finally {
      options.log?.({
        server,
        method: request.method,
        path: request.path,
        status,
        durationMs: Math.round(performance.now() - startedMs),
      });
    }
  }

  function exchange(request: TransportRequest, call: KubeCall): Promise<Answer> {
    const what = `${call.verb} ${call.subject} at ${server}`;
    const assertMayBeSent = () => {
      if (isClosed) throw createClosedError(what);
      options.deadline.assertNotPassed(what);
      if (options.signal?.aborted) throw createAbortError(what);
    };
    assertMayBeSent();
    const limitMs = Math.min(callTimeoutMs, options.deadline.remainingMs());
    const connection = pool.pick();
    if (connection.running === 0) connection.movedAtMs = performance.now();
    connection.running += 1;
    return new Promise<Answer>((resolve, reject) => {
      const budget = request.budget ?? { bytes: longestAnswerBytes };
      const collector = new AnswerCollector(assertMayBeSent, budget, (outcome) => {
        clearTimeout(timer);
        connection.running -= 1;
        connection.movedAtMs = performance.now();
        underWay.delete(collector);
        options.signal?.removeEventListener("abort", onAbort);
        if (outcome instanceof Error) reject(outcome);
        else resolve(outcome);
      });
      // A signal that follows the deadline says no more than that the time is over.
      const onAbort = () =>
        collector.abort(
          options.deadline.remainingMs() > 0 ? createAbortError(what) : createTimeoutError(what, limitMs),
        );
      const timer = setTimeout(() => collector.abort(createTimeoutError(what, limitMs)), limitMs);
      options.signal?.addEventListener("abort", onAbort, { once: true });
      underWay.add(collector);
      connection.client.dispatch(
        {
          method: request.method,
          path: request.method === "GET" ? request.path : withServerTimeout(request.path, limitMs),
          headers: {
            ...headers,
            ...(request.accept === undefined ? {} : { accept: request.accept }),
            ...(request.body === undefined ? {} : { "content-type": request.contentType ?? "application/json" }),
          },
          body: request.body === undefined ? null : JSON.stringify(request.body),
          // undici ends a connection after a DELETE with a body, as not every server reads it; API servers do, and each handshake is dear.
          reset: false,
        },
        collector,
      );
    });
  }

  return {
    send: (request, call, expect) => sendAndRead(request, call, readJson, expect),
    sendForText: async (request, call) => (await sendAndRead(request, call, ({ text }) => text)) ?? "",
    async close() {
      isClosed = true;
      await pool.close();
      // What a connection that is shared still carries of this client.
      for (const collector of underWay) collector.abort(createClosedError(`a call at ${server}`));
    },
  };
}

interface Answer {
  status: number;
  text: string;
}

/** Takes one answer in. `assertMayBeSent` is called in the turn of the event loop in which the request is written. */
class AnswerCollector implements Dispatcher.DispatchHandler {
  readonly #assertMayBeSent: () => void;
  readonly #onSettled: (outcome: Error | Answer) => void;
  readonly #chunks: Buffer[] = [];
  readonly #budget: { bytes: number };
  #status = 0;
  #controller: Dispatcher.DispatchController | undefined;
  #aborted: Error | undefined;
  #settled = false;

  constructor(assertMayBeSent: () => void, budget: { bytes: number }, onSettled: (outcome: Error | Answer) => void) {
    this.#assertMayBeSent = assertMayBeSent;
    this.#budget = budget;
    this.#onSettled = onSettled;
  }

  #settle(outcome: Error | Answer): void {
    if (this.#settled) return;
    this.#settled = true;
    this.#onSettled(outcome);
  }

  /** Ends the call now; a request that still waits for a connection will not be written. */
  abort(reason: Error): void {
    this.#aborted = reason;
    this.#controller?.abort(reason);
    this.#settle(reason);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    if (this.#aborted) throw this.#aborted;
    this.#assertMayBeSent();
    this.#controller = controller;
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#budget.bytes -= chunk.length;
    if (this.#budget.bytes >= 0) {
      this.#chunks.push(chunk);
      return;
    }
    controller.abort(
      new ProvisionerError(
        "unknown",
        "AnswerTooLarge",
        `The server's answer, with the pages before it, exceeds ${longestAnswerBytes} bytes. No list that Pilothouse reads is that long: look what the cluster has so much of.`,
      ),
    );
  }

  onResponseEnd(): void {
    this.#settle({ status: this.#status, text: Buffer.concat(this.#chunks).toString("utf8") });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#settle(error);
  }
}

/** See `WithRequestDeadline` in k8s.io/apiserver: the server gives up the request, unstored, after this time. */
function withServerTimeout(path: string, limitMs: number): string {
  return `${path}${path.includes("?") ? "&" : "?"}timeout=${Math.max(1, Math.round(limitMs))}ms`;
}

function createTimeoutError(what: string, limitMs: number): ProvisionerError {
  return new ProvisionerError(
    "transient",
    "CallTimeout",
    `There was no answer within ${Math.round(limitMs)} ms to this: ${what}. Check that the server runs and that a firewall lets this through.`,
  );
}

function createAbortError(what: string): ProvisionerError {
  return new ProvisionerError(
    "transient",
    "Aborted",
    `This run was told to end before this was done: ${what}. The next run goes on from here.`,
  );
}

function createClosedError(what: string): ProvisionerError {
  return new ProvisionerError(
    "unknown",
    "ClientClosed",
    `The client was closed before this was sent: ${what}. It was not sent. Whoever closes a client waits for its calls first, and makes a new one for more.`,
  );
}

function readJson(answer: Answer, call: KubeCall): unknown {
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new ProvisionerError(
      "unknown",
      "NotJson",
      `${call.server} answered HTTP ${answer.status}, but no JSON, to ${call.verb} ${call.subject}. Check that the address is a Kubernetes API server's.`,
    );
  }
}

function readErrorBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
