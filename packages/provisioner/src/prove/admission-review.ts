import { randomUUID } from "node:crypto";
import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { z } from "zod";
import type { KubeObject } from "../kube/types.ts";
import { ProofFailure } from "./reasons.ts";
import { describeAbort } from "./time-limit.ts";
import { connectTls, type TlsConnection, type TlsEndpoint } from "./tls-connection.ts";
import { describeBrokenConnection, readErrorCode, type ConnectionPlace } from "./tls-errors.ts";

/** Where a webhook is asked, as an API server would. */
export interface WebhookTarget {
  endpoint: TlsEndpoint;
  /** Path of the webhook's URL. */
  path: string;
}

const verdictShape = z.object({
  response: z.object({
    uid: z.string(),
    allowed: z.boolean().default(false),
    status: z.object({ message: z.string().default("") }).optional(),
    /** Base64 of a JSON patch. */
    patch: z.string().optional(),
  }),
});

/** A webhook's answer about one object. */
export interface AdmissionVerdict {
  allowed: boolean;
  /** Why not. */
  words: string;
  patch?: string;
}

const resources: Record<string, string> = { Pod: "pods", VirtualService: "virtualservices" };

/**
 * Asks a webhook about the creation of `object` as an API server would (AdmissionReview v1, marked as a dry run), over a
 * connection of its own that is closed afterwards. Fails with a ProofFailure.
 */
export async function askWebhook(
  target: WebhookTarget,
  object: KubeObject,
  signal: AbortSignal,
): Promise<AdmissionVerdict> {
  const connection = await connectTls(target.endpoint, signal);
  const { hostname, port } = target.endpoint;
  const place = { hostname, port, address: connection.address };
  const uid = randomUUID();
  try {
    const { status, body } = await exchange(connection, target, JSON.stringify(createReview(object, uid)), signal);
    return readVerdict(status, body, { uid, place, path: target.path });
  } catch (error) {
    if (error instanceof ProofFailure) throw error;
    if (signal.aborted) throw describeAbort(signal, describeSilence(place, target.path));
    if (!(error instanceof Error)) throw error;
    if (readErrorCode(error).startsWith("HPE_")) throw describeForeignAnswer(place, target.path);
    throw describeBrokenConnection(error, place, `the call of ${target.path}`);
  } finally {
    connection.socket.destroy();
  }
}

function createReview(object: KubeObject, uid: string) {
  const [group = "", version = ""] = object.apiVersion.includes("/")
    ? object.apiVersion.split("/")
    : ["", object.apiVersion];
  const kind = { group, version, kind: object.kind };
  const resource = { group, version, resource: resources[object.kind] ?? "" };
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid,
      kind,
      resource,
      requestKind: kind,
      requestResource: resource,
      name: object.metadata.name,
      namespace: object.metadata.namespace,
      operation: "CREATE",
      userInfo: { username: "pilothouse-probe" },
      object,
      dryRun: true,
    },
  };
}

async function exchange(
  { socket }: TlsConnection,
  { endpoint, path }: WebhookTarget,
  body: string,
  signal: AbortSignal,
): Promise<{ status: number; body: string }> {
  const answered = Promise.withResolvers<{ status: number; body: string }>();
  const request = httpRequest(
    {
      // The socket is the TLS connection; without an agent nothing keeps it.
      createConnection: () => socket,
      method: "POST",
      path,
      headers: {
        host: endpoint.port === 443 ? endpoint.hostname : `${endpoint.hostname}:${endpoint.port}`,
        "content-type": "application/json",
        "content-length": Buffer.byteLength(body),
        connection: "close",
        "user-agent": "pilothouse-prober",
      },
      signal,
    },
    (response) => {
      text(response).then(
        (answer) => answered.resolve({ status: response.statusCode ?? 0, body: answer }),
        answered.reject,
      );
    },
  );
  request.once("error", answered.reject);
  request.end(body);
  return answered.promise;
}

function readVerdict(
  status: number,
  body: string,
  asked: { uid: string; place: ConnectionPlace; path: string },
): AdmissionVerdict {
  const details = { ...asked.place, path: asked.path, httpStatus: status };
  const where = `https://${asked.place.hostname}${asked.path}`;
  if (status !== 200) {
    throw new ProofFailure(
      "BadAnswer",
      `${where} answers with HTTP ${status}: there is no such webhook in this istiod. Check the path, and that istiod found its injector configuration.`,
      details,
    );
  }
  const verdict = parseVerdict(body);
  if (verdict === undefined || verdict.uid !== asked.uid) throw describeForeignAnswer(asked.place, asked.path);
  return {
    allowed: verdict.allowed,
    words: verdict.status?.message ?? "",
    ...(verdict.patch === undefined ? {} : { patch: verdict.patch }),
  };
}

function describeForeignAnswer(place: ConnectionPlace, path: string): ProofFailure {
  return new ProofFailure(
    "BadAnswer",
    `What answers at https://${place.hostname}:${place.port}${path} does not answer as an admission webhook does. Check the port.`,
    { ...place, path },
  );
}

function parseVerdict(body: string): z.infer<typeof verdictShape>["response"] | undefined {
  try {
    return verdictShape.parse(JSON.parse(body)).response;
  } catch {
    return undefined;
  }
}

function describeSilence(place: ConnectionPlace, path: string): ProofFailure {
  return new ProofFailure(
    "NoAnswer",
    `istiod behind ${place.hostname} accepted the connection but did not answer at ${path} in time: it is overloaded.`,
    { ...place },
  );
}
