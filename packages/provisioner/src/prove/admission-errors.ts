import { ProvisionerError } from "../errors.ts";
import { describeMeshApiError } from "./mesh-api-errors.ts";
import { ProofFailure, type ProofReason } from "./reasons.ts";

/** A dry-run create that the API server refused, told apart by who refused it. */
export type Refusal =
  | { by: "webhook"; webhook: string; words: string }
  | { by: "failedWebhook"; failure: ProofFailure }
  | { by: "other"; failure: unknown };

/** What the dry run would have created, for messages. */
export interface DryRun {
  /** Such as `an invalid VirtualService`. */
  what: string;
  hostname: string;
}

/**
 * Reads the error of a dry-run create. The texts are those of k8s.io/apiserver: "admission webhook NAME denied the request",
 * "failed calling webhook NAME", "is forbidden", "is invalid".
 */
export function readRefusal(error: unknown, dryRun: DryRun): Refusal {
  const said = error instanceof ProvisionerError ? error.message : "";
  const denied = /admission webhook "(?<webhook>[^"]+)" denied the request:? ?(?<words>.*)$/s.exec(said)?.groups;
  if (denied !== undefined) {
    return { by: "webhook", webhook: denied["webhook"] ?? "", words: dropAdvice(denied["words"] ?? "") };
  }
  const failed = /failed calling webhook "(?<webhook>[^"]+)":? ?(?<cause>.*)$/s.exec(said)?.groups;
  if (failed !== undefined) {
    const failure = describeWebhookCallFailure(
      failed["webhook"] ?? "",
      dropAdvice(failed["cause"] ?? ""),
      dryRun,
      error,
    );
    return { by: "failedWebhook", failure };
  }
  return { by: "other", failure: describeOtherRefusal(error, said, dryRun) };
}

/** Another webhook than istiod's stood in the way, so that istiod was not heard. */
export function describeOtherWebhook(webhook: string, words: string, dryRun: DryRun): ProofFailure {
  return new ProofFailure(
    "OtherWebhookRefused",
    `Another admission webhook of the mesh cluster, ${webhook}, refused ${dryRun.what} before istiod could be heard. Let it pass what Pilothouse tries in its probe namespace.`,
    { webhook, said: words },
  );
}

/** The kube client ends its message with what to do about it; the API server's own words come before. */
function dropAdvice(words: string): string {
  return words.replace(/\. (Change the object, or the policy|A webhook of the cluster does not answer).*$/s, "");
}

interface CallFailure {
  reason: ProofReason;
  /** Go's words for it, as they appear after "failed calling webhook". */
  pattern: RegExp;
  message(hostname: string): string;
}

const asks = "The mesh cluster's API server asks its webhook";
const callFailures: CallFailure[] = [
  {
    reason: "WebhookUntrusted",
    pattern: /signed by unknown authority|self-signed certificate/,
    message: (hostname) =>
      `The mesh cluster's API server does not trust the certificate of ${hostname}: istiod has not written its root into the webhook (caBundle) yet, or found no injector configuration.`,
  },
  {
    reason: "WebhookCertificateExpired",
    pattern: /certificate has expired or is not yet valid/,
    message: (hostname) =>
      `The certificate that ${hostname} shows to the mesh cluster's API server has expired or is not valid yet. Check the clocks.`,
  },
  {
    reason: "WebhookNameMismatch",
    pattern: /x509: certificate is (not )?valid for|x509: cannot validate certificate|not valid for any names/,
    message: (hostname) =>
      `The certificate shown to the mesh cluster's API server is not for ${hostname}: istiod must be told its public name (ISTIOD_CUSTOM_HOST).`,
  },
  {
    reason: "WebhookNameNotFound",
    pattern: /no such host/,
    message: (hostname) =>
      `The mesh cluster's API server finds no address for ${hostname}: the record is not published, or not where that API server looks.`,
  },
  {
    reason: "WebhookResolverFailed",
    pattern: /lookup [^:]+(:\d+)?: |server misbehaving/,
    message: (hostname) => `The DNS servers of the mesh cluster's API server do not answer for ${hostname}.`,
  },
  {
    reason: "WebhookRefused",
    pattern: /connection refused/,
    message: (hostname) => `${asks} at ${hostname}, and nothing listens there: the edge does not run.`,
  },
  {
    reason: "WebhookUnreachable",
    pattern: /network is unreachable|no route to host|host is down/,
    message: (hostname) =>
      `${asks} at ${hostname}, and there is no way from that API server to the edge. Check routes and firewalls between them.`,
  },
  {
    reason: "WebhookReset",
    pattern: /connection reset by peer|\bEOF\b|broken pipe/,
    message: (hostname) =>
      `${asks} at ${hostname}, and the edge resets the connection: no istiod answers behind that name.`,
  },
  {
    reason: "WebhookTimeout",
    pattern: /context deadline exceeded|Client\.Timeout|i\/o timeout|TLS handshake timeout/,
    message: (hostname) =>
      `${asks} at ${hostname} and got no answer in time. Check the edge, and firewalls between that API server and the edge.`,
  },
  {
    reason: "WebhookBadAnswer",
    pattern:
      /could not find the requested resource|an error on the server|gave HTTP response to HTTPS client|expected webhook response|invalid character|unable to decode/,
    message: (hostname) =>
      `${asks} at ${hostname}, and what answers there is not istiod's webhook. Check the path in the webhook's URL.`,
  },
];

function describeWebhookCallFailure(webhook: string, cause: string, dryRun: DryRun, error: unknown): ProofFailure {
  const details = { webhook, said: cause };
  const host = /https:\/\/(?<host>[^/:"\s]+)/.exec(cause)?.groups?.["host"];
  if (host !== undefined && host !== dryRun.hostname && !webhook.endsWith("istio.io")) {
    return new ProofFailure(
      "OtherWebhookRefused",
      `Another admission webhook of the mesh cluster, ${webhook}, fails, so that ${dryRun.what} did not get as far as istiod.`,
      details,
      error,
    );
  }
  const known = callFailures.find(({ pattern }) => pattern.test(cause));
  return new ProofFailure(
    known?.reason ?? "WebhookFailed",
    known?.message(host ?? dryRun.hostname) ??
      `The mesh cluster's API server could not ask its webhook ${webhook} at ${host ?? dryRun.hostname}.`,
    details,
    error,
  );
}

function describeOtherRefusal(error: unknown, said: string, dryRun: DryRun): unknown {
  if (!(error instanceof ProvisionerError)) return error;
  const fail = (reason: ProofReason, message: string) =>
    new ProofFailure(reason, message, { code: error.code, said }, error);
  if (/ValidatingAdmissionPolicy '[^']+'.* denied request/s.test(said)) {
    return fail(
      "AdmissionPluginRefused",
      `A ValidatingAdmissionPolicy of the mesh cluster refused ${dryRun.what} before istiod could be heard. Let it pass what Pilothouse tries in its probe namespace.`,
    );
  }
  if (error.code === "KindNotServed") {
    return fail(
      "KindMissing",
      "The mesh cluster does not serve Istio's VirtualService: its CustomResourceDefinitions are not installed, or were removed.",
    );
  }
  const elsewhere = describeMeshApiError(error, `create ${dryRun.what} (as a dry run)`);
  const forbiddenByPlugin = error.code === "Forbidden" && !/is forbidden: User "/.test(said);
  if (forbiddenByPlugin && elsewhere instanceof ProofFailure && elsewhere.reason === "ProbeForbidden") {
    return fail(
      "AdmissionPluginRefused",
      `The mesh cluster's own admission (quota, limits, or Pod Security of the probe namespace) refused ${dryRun.what}, so that istiod's part in it can't be seen.`,
    );
  }
  if (error.code === "Invalid") {
    return fail(
      "SchemaRefused",
      `The API server itself refused ${dryRun.what} for its schema, before istiod could be heard: the installed CustomResourceDefinitions are stricter than this probe knows.`,
    );
  }
  return elsewhere;
}
