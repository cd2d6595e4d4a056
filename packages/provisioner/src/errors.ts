/**
 * An error typed by what happens next: `user` stops and explains; `transient` is retried quietly; `notReady` waits and looks
 * again; `unknown` backs off and is reported. Messages are fit for the person who reads them and hold no secrets.
 */
export class ProvisionerError extends Error {
  readonly kind: "user" | "transient" | "notReady" | "unknown";
  /** Stable CamelCase code, one per cause. */
  readonly code: string;
  /** Name of the input at fault, such as `kubeconfig.clusters[0].cluster.server`. */
  readonly parameter?: string;

  constructor(
    kind: ProvisionerError["kind"],
    code: string,
    message: string,
    options: { parameter?: string; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ProvisionerError";
    this.kind = kind;
    this.code = code;
    if (options.parameter !== undefined) this.parameter = options.parameter;
  }
}
