import { describeStreamEnd, grpcStatus } from "./grpc-failures.ts";
import type { GrpcSession, StreamEnd } from "./grpc-session.ts";
import type { GrpcMethod } from "./protos.ts";
import { ProofFailure } from "./reasons.ts";
import { describeAbort } from "./time-limit.ts";
import type { ConnectionPlace } from "./tls-errors.ts";

/**
 * One request, one response. `call` names it in messages. Fails with a ProofFailure: the status istiod answered with, a broken
 * connection, or NoAnswer when the signal's time ran out.
 */
export async function callUnary<Request extends object, Response>(
  session: GrpcSession,
  method: GrpcMethod<Request, Response>,
  request: Request,
  context: { call: string; place: ConnectionPlace; metadata?: Record<string, string>; signal: AbortSignal },
): Promise<Response> {
  const { call, place, signal } = context;
  const answers: Buffer[] = [];
  const ended = Promise.withResolvers<StreamEnd>();
  const stream = session.openStream(method.path, context.metadata ?? {}, {
    onMessage: (message) => answers.push(message),
    onEnd: ended.resolve,
  });
  const cancel = () => stream.cancel();
  signal.addEventListener("abort", cancel, { once: true });
  try {
    stream.send(method.encodeRequest(request));
    stream.finish();
    if (signal.aborted) cancel();
    const end = await ended.promise;
    if (signal.aborted) throw describeAbort(signal, describeNoAnswer(call, place));
    if (end.kind !== "status" || end.code !== grpcStatus.ok) throw describeStreamEnd(end, place, call);
    return decodeOnly(answers, method, context);
  } finally {
    signal.removeEventListener("abort", cancel);
  }
}

/** It took the call and stayed silent. */
export function describeNoAnswer(call: string, place: ConnectionPlace): ProofFailure {
  return new ProofFailure(
    "NoAnswer",
    `istiod behind ${place.hostname} accepted the connection but did not answer ${call} in time: it is overloaded, or waits for the mesh cluster's API server.`,
    { ...place },
  );
}

function decodeOnly<Request extends object, Response>(
  answers: Buffer[],
  method: GrpcMethod<Request, Response>,
  { call, place }: { call: string; place: ConnectionPlace },
): Response {
  const [answer] = answers;
  try {
    if (answer === undefined || answers.length > 1) throw new Error(`${answers.length} messages instead of one`);
    return method.decodeResponse(answer);
  } catch (error) {
    throw new ProofFailure(
      "BadAnswer",
      `What ${place.hostname} answered to ${call} can't be read.`,
      { ...place },
      error,
    );
  }
}
