import { isRecord } from "../kube/field-at.ts";
import type { ClusterAccess } from "../types.ts";
import type { Entry } from "./kubeconfig-entry.ts";
import { assertKnownFields, findEntry, hasContent, readSwitch, readText } from "./kubeconfig-entry.ts";
import type { KubeconfigProblem } from "./kubeconfig-error.ts";
import { createKubeconfigError, quoteName } from "./kubeconfig-error.ts";
import { readCredential } from "./read-credential.ts";
import { readKubeconfigText } from "./read-kubeconfig-text.ts";
import { readCertificates } from "./read-pem.ts";
import { readServer, readTlsServerName } from "./read-server.ts";

export interface ParsedKubeconfig {
  access: ClusterAccess;
  /** Paths of the fields that `access` came from, for errors that only the server can tell. */
  parameters: { server: string; certificateAuthority: string; credential: string };
}

/**
 * Reads the current context of a kubeconfig. Only the entries it uses are judged; others are never read, and fields that aren't
 * known are tolerated everywhere but in the cluster and the user in use.
 *
 * @param text YAML or JSON, at most 128 KiB
 * @param now against which certificates and tokens are checked
 * @throws ProvisionerError (kind user) with one of the codes in `kubeconfigProblems` and the path of the field at fault
 */
export function parseKubeconfig(text: string, now: Date = new Date()): ParsedKubeconfig {
  const root = readRoot(text);
  const current = readText(root, "current-context");
  if (current === undefined) {
    throw createKubeconfigError(
      "KubeconfigNoCurrentContext",
      "kubeconfig.current-context",
      "The kubeconfig chooses no context. Set current-context to the name of the one to use.",
    );
  }
  const context = findEntry(root, "contexts", "context", current);
  if (!context) {
    throw createKubeconfigError(
      "KubeconfigContextMissing",
      "kubeconfig.current-context",
      `current-context is ${quoteName(current)}, but kubeconfig.contexts has no entry of that name.`,
    );
  }
  const cluster = findReferred(root, context, {
    list: "clusters",
    field: "cluster",
    missing: "KubeconfigClusterMissing",
  });
  const user = findReferred(root, context, { list: "users", field: "user", missing: "KubeconfigUserMissing" });
  refuseUnusable(cluster, clusterRefusals, clusterFields);
  refuseUnusable(user, userRefusals, userFields);

  const server = readServer(cluster);
  const tlsServerName = readTlsServerName(cluster);
  const certificateAuthority = readAuthority(cluster, now);
  const { credential, parameter } = readCredential(user, now);
  return {
    access: {
      server,
      ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
      ...(tlsServerName === undefined ? {} : { tlsServerName }),
      credential,
    },
    parameters: {
      server: `${cluster.path}.server`,
      certificateAuthority: `${cluster.path}.certificate-authority-data`,
      credential: parameter,
    },
  };
}

interface Refusal {
  field: string;
  code: KubeconfigProblem;
  /** Why, and what to do: completes a sentence that begins with the field's path. */
  reason: string;
}

const filePath = (field: string, instead: string): Refusal => ({
  field,
  code: "KubeconfigFilePath",
  reason: `names a file, which only your machine has. Use ${instead}; \`kubectl config view --minify --flatten\` writes it so.`,
});

const clusterRefusals: Refusal[] = [
  filePath("certificate-authority", "certificate-authority-data"),
  {
    field: "proxy-url",
    code: "KubeconfigProxy",
    reason: "can't be used: Pilothouse connects to the server directly. Give an address that is reachable without it.",
  },
];
const clusterFields = [
  "server",
  "tls-server-name",
  "certificate-authority-data",
  "insecure-skip-tls-verify",
  "disable-compression",
  "extensions",
];

const impersonation = (field: string): Refusal => ({
  field,
  code: "KubeconfigImpersonation",
  reason: "asks to act as someone else. Use a credential of the identity itself.",
});

const serviceAccountAdvice = "Use the token of a ServiceAccount: `kubectl create token NAME -n NAMESPACE`.";
const userRefusals: Refusal[] = [
  {
    field: "exec",
    code: "KubeconfigExec",
    reason: `asks for a program to be run, which Pilothouse never does. ${serviceAccountAdvice}`,
  },
  {
    field: "auth-provider",
    code: "KubeconfigAuthProvider",
    reason: `needs a plug-in that Pilothouse doesn't have. ${serviceAccountAdvice}`,
  },
  filePath("client-certificate", "client-certificate-data"),
  filePath("client-key", "client-key-data"),
  filePath("tokenFile", "token"),
  ...["as", "as-uid", "as-groups", "as-user-extra"].map(impersonation),
  ...["username", "password"].map((field): Refusal => ({
    field,
    code: "KubeconfigBasicAuth",
    reason: `can't be used: API servers no longer take passwords. ${serviceAccountAdvice}`,
  })),
];
const userFields = ["token", "client-certificate-data", "client-key-data", "extensions"];

function refuseUnusable(entry: Entry, refusals: Refusal[], used: string[]): void {
  for (const { field, code, reason } of refusals) {
    if (hasContent(entry, field))
      throw createKubeconfigError(code, `${entry.path}.${field}`, `${entry.path}.${field} ${reason}`);
  }
  assertKnownFields(entry, [...used, ...refusals.map(({ field }) => field)]);
  if (used.includes("insecure-skip-tls-verify") && readSwitch(entry, "insecure-skip-tls-verify")) {
    const path = `${entry.path}.insecure-skip-tls-verify`;
    throw createKubeconfigError(
      "KubeconfigInsecure",
      path,
      `${path} would let anyone pose as the server. Remove it, and give certificate-authority-data.`,
    );
  }
}

function readRoot(text: string): Entry {
  const value = readKubeconfigText(text);
  const path = "kubeconfig";
  if (!isRecord(value)) {
    throw createKubeconfigError(
      "KubeconfigNotConfig",
      path,
      "The text is not a kubeconfig: it has no fields. Paste the file's whole text.",
    );
  }
  const root = { path, fields: value };
  const kind = readText(root, "kind");
  const apiVersion = readText(root, "apiVersion");
  // kubectl reads files without either as well.
  if ((kind ?? "Config") !== "Config" || (apiVersion ?? "v1") !== "v1") {
    const field = (kind ?? "Config") === "Config" ? "apiVersion" : "kind";
    throw createKubeconfigError(
      "KubeconfigNotConfig",
      `${path}.${field}`,
      "The text is another Kubernetes object. A kubeconfig has apiVersion v1 and kind Config.",
    );
  }
  if (!["clusters", "contexts", "users"].some((list) => hasContent(root, list))) {
    throw createKubeconfigError(
      "KubeconfigNotConfig",
      path,
      "The text is not a kubeconfig: it has no clusters, contexts or users.",
    );
  }
  return root;
}

function findReferred(
  root: Entry,
  context: Entry,
  what: { list: string; field: string; missing: KubeconfigProblem },
): Entry {
  const path = `${context.path}.${what.field}`;
  const name = readText(context, what.field);
  if (name === undefined) {
    throw createKubeconfigError(
      "KubeconfigContextIncomplete",
      path,
      `${path} is missing. Name the ${what.field} to use.`,
    );
  }
  const found = findEntry(root, what.list, what.field, name);
  if (found) return found;
  throw createKubeconfigError(
    what.missing,
    path,
    `${path} is ${quoteName(name)}, but kubeconfig.${what.list} has no entry of that name.`,
  );
}

function readAuthority(cluster: Entry, now: Date): string | undefined {
  const name = "certificate-authority-data";
  const authority = readCertificates(cluster, name);
  if (authority === undefined || authority.certificates.some(({ validToDate }) => validToDate > now))
    return authority?.pem;
  const path = `${cluster.path}.${name}`;
  throw createKubeconfigError(
    "KubeconfigCertificateAuthorityExpired",
    path,
    `Every certificate in ${path} is expired. Give the authority's current one.`,
  );
}
