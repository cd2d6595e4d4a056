import { setTimeout as sleep } from "node:timers/promises";
import { ProvisionerError } from "../errors.ts";
import { handshakeCutCode } from "../kube/checked-connector.ts";
import { stringAt } from "../kube/field-at.ts";
import type { KubeClient } from "../kube/types.ts";
import type { ParsedKubeconfig } from "../kubeconfig/parse-kubeconfig.ts";

/** Kubernetes minors, oldest and newest, as `1.28`. */
export interface KubernetesRange {
  oldest: string;
  newest: string;
}

/** SelfSubjectReview is served as v1 since 1.28; 1.37 is the newest release. The fleet's clusters, and so the tests, are 1.34. */
const supportedKubernetes: KubernetesRange = { oldest: "1.28", newest: "1.37" };

/** An API server that restarts refuses connections. Only what stands before it cuts them, and not for long when it works. */
const handshakeAttempts = 3;
const handshakePauseMs = 1_000;

/**
 * Makes the first call to an API server with a kubeconfig's credential, and answers the server's version, such as `v1.34.4`.
 *
 * @throws ProvisionerError with the path of the kubeconfig's field that is at fault: AddressNotAllowed, NameNotResolved,
 *   ServerUnreachable, CallTimeout, NotTls, NotKubernetes, UntrustedCertificate, CertificateNameMismatch,
 *   ServerCertificateNotValid, ClientCertificateRefused, Unauthorized, KubernetesNotSupported
 */
export async function reachServer(
  client: KubeClient,
  parameters: ParsedKubeconfig["parameters"],
  range: KubernetesRange = supportedKubernetes,
): Promise<string> {
  try {
    const kubernetesVersion = stringAt(await requestVersion(client), "gitVersion");
    const minor = kubernetesVersion === undefined ? undefined : readMinor(kubernetesVersion);
    if (kubernetesVersion === undefined || minor === undefined) throw createNotKubernetesError(client.server);
    assertSupported(client.server, kubernetesVersion, minor, range);
    return kubernetesVersion;
  } catch (error) {
    throw error instanceof ProvisionerError ? explainReachError(error, parameters) : error;
  }
}

/** Asks for the version, and again while the server accepts connections and ends them without TLS. */
async function requestVersion(client: KubeClient): Promise<unknown> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await client.request("GET", "/version");
    } catch (error) {
      const isCut = error instanceof ProvisionerError && stringAt(error.cause, "code") === handshakeCutCode;
      if (!isCut) throw error;
      if (attempt === handshakeAttempts) throw createCutError(client.server, error);
    }
    await sleep(handshakePauseMs);
  }
}

/** UID of the namespace kube-system, which tells one cluster from another. */
export async function readClusterUid(client: KubeClient): Promise<string> {
  const namespace = await client.get({ apiVersion: "v1", kind: "Namespace", name: "kube-system" });
  if (namespace?.metadata.uid !== undefined) return namespace.metadata.uid;
  throw createNotKubernetesError(client.server);
}

/** Which field of the kubeconfig an error of the connection is about. */
const faults: Record<string, keyof ParsedKubeconfig["parameters"]> = {
  AddressNotAllowed: "server",
  NameNotResolved: "server",
  ServerUnreachable: "server",
  ConnectionLost: "server",
  CallTimeout: "server",
  NotTls: "server",
  NotJson: "server",
  NotKubernetes: "server",
  UnexpectedStatus: "server",
  KubernetesNotSupported: "server",
  CertificateNameMismatch: "server",
  UntrustedCertificate: "certificateAuthority",
  ServerCertificateNotValid: "certificateAuthority",
  ClientCertificateRefused: "credential",
  Unauthorized: "credential",
  Forbidden: "credential",
};

function explainReachError(error: ProvisionerError, parameters: ParsedKubeconfig["parameters"]): ProvisionerError {
  const fault = faults[error.code];
  if (fault === undefined) return error;
  const isNoAnswer = error.code === "NotJson" || error.code === "UnexpectedStatus";
  // A name that doesn't exist is the kubeconfig's fault; a DNS server that doesn't answer passes.
  const isUnknownName = error.code === "NameNotResolved" && stringAt(error.cause, "code") === "ENOTFOUND";
  return new ProvisionerError(
    isNoAnswer || isUnknownName ? "user" : error.kind,
    isNoAnswer ? "NotKubernetes" : error.code,
    error.message,
    { parameter: parameters[fault], cause: error.cause },
  );
}

function assertSupported(server: string, version: string, minor: number, { oldest, newest }: KubernetesRange): void {
  if (minor >= (readMinor(oldest) ?? 0) && minor <= (readMinor(newest) ?? 0)) return;
  throw new ProvisionerError(
    "user",
    "KubernetesNotSupported",
    `${server} runs Kubernetes ${version}; Pilothouse supports ${oldest} to ${newest}. Upgrade the cluster, or wait for a Pilothouse that supports it.`,
  );
}

/** 34 of `v1.34.4`, `1.34`, `v1.34.1-gke.100`, `v1.34.4+k3s1`; undefined for another major or something else. */
function readMinor(version: string): number | undefined {
  const minor = /^v?1\.(\d{1,3})(\D|$)/.exec(version)?.[1];
  return minor === undefined ? undefined : Number(minor);
}

function createCutError(server: string, error: ProvisionerError): ProvisionerError {
  return new ProvisionerError(
    "user",
    "NotKubernetes",
    `What listens at ${server} takes connections and ends each of them without TLS (${handshakeAttempts} tried), so it is no API server. Check host and port. If they are right, a proxy or load balancer there has no API server behind it now: connect again when it has.`,
    { cause: error.cause },
  );
}

function createNotKubernetesError(server: string): ProvisionerError {
  return new ProvisionerError(
    "user",
    "NotKubernetes",
    `What answers at ${server} is not the API server of a Kubernetes cluster. Check host and port.`,
  );
}
