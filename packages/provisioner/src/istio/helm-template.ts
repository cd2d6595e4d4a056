import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";
import type { ProviderConfig } from "../types.ts";
import { parseManifests } from "./parse-manifests.ts";

/** Which chart: a folder, `repo/chart`, or `oci://...`. It passes through to Helm. */
export interface ChartReference {
  chart: string;
  /** Passed on only when given: folders have one version only. */
  chartVersion?: string;
}

export interface HelmSettings {
  /** The helm program: a path, or a name on PATH. */
  helm: string;
  /**
   * Folder with Helm's own files: `repositories.yaml` (needed for `repo/chart`), `registry.json` (logins for `oci://`) and `cache/`.
   * Without it every call has an empty one, and leaves nothing behind.
   */
  helmHome?: string;
  signal?: AbortSignal;
  /** Time limit of one call. Default 30 s: a chart in a folder takes a tenth of a second, one in a registry has to be fetched. */
  timeoutMs?: number;
}

/** What the provider decided about Helm. */
export function helmSettings({ helm, helmHome }: ProviderConfig): HelmSettings {
  return helmHome === undefined ? { helm } : { helm, helmHome };
}

const defaultTimeoutMs = 30_000;
const maxOutputBytes = 32 * 1024 * 1024;

/**
 * Renders a chart with `helm template`, without a cluster. Values go in by standard input, so that none shows in the process list.
 *
 * @returns the objects in the order in which Helm prints them.
 * @throws ProvisionerError `HelmMissing`, `ChartNotFound`, `ChartRenderFailed`, `HelmTimeout`, `Cancelled` or `ManifestUnreadable`.
 */
export async function renderChart(
  reference: ChartReference,
  request: { release: string; namespace: string; values: Record<string, unknown>; includeCrds?: boolean },
  settings: HelmSettings,
): Promise<KubeObject[]> {
  const temporaryHome = settings.helmHome === undefined ? await mkdtemp(join(tmpdir(), "pilothouse-helm-")) : undefined;
  const home = settings.helmHome ?? temporaryHome ?? "";
  try {
    const text = await runHelm(
      reference.chart,
      [
        "template",
        "--namespace",
        request.namespace,
        "--repository-config",
        join(home, "repositories.yaml"),
        "--repository-cache",
        join(home, "cache"),
        "--registry-config",
        join(home, "registry.json"),
        ...(reference.chartVersion === undefined ? [] : ["--version", reference.chartVersion]),
        ...(request.includeCrds === true ? ["--include-crds"] : []),
        "--values",
        "-",
        "--",
        request.release,
        reference.chart,
      ],
      JSON.stringify(request.values),
      settings,
    );
    return parseManifests(text, `chart ${reference.chart}`);
  } finally {
    if (temporaryHome !== undefined) await rm(temporaryHome, { recursive: true, force: true });
  }
}

function runHelm(chart: string, args: string[], input: string, settings: HelmSettings): Promise<string> {
  const timeoutMs = settings.timeoutMs ?? defaultTimeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = settings.signal === undefined ? deadline : AbortSignal.any([settings.signal, deadline]);
  return new Promise((resolve, reject) => {
    const child = spawn(settings.helm, args, {
      stdio: ["pipe", "pipe", "pipe"],
      env: pickEnvironment(),
      signal,
      killSignal: "SIGKILL",
    });
    const output: Buffer[] = [];
    let outputBytes = 0;
    let complaint = "";
    child.stdout.on("data", (chunk: Buffer) => {
      outputBytes += chunk.length;
      if (outputBytes > maxOutputBytes) child.kill("SIGKILL");
      else output.push(chunk);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      complaint = (complaint + chunk.toString("utf8")).slice(-4000);
    });
    // Helm may end before it has read its values; its exit tells why, this error does not.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
    child.on("error", (error: NodeJS.ErrnoException) => {
      if (settings.signal?.aborted === true) reject(cancelled(chart));
      else if (deadline.aborted) reject(timedOut(chart, timeoutMs));
      else reject(notStarted(settings.helm, error));
    });
    child.on("close", (code) => {
      if (code === 0) resolve(Buffer.concat(output).toString("utf8"));
      else if (outputBytes > maxOutputBytes)
        reject(renderFailed(chart, `it renders to more than ${maxOutputBytes} bytes`));
      else reject(explainFailure(chart, complaint));
    });
  });
}

/** What Helm needs to find programs, folders and registries. The rest of this process's environment may hold secrets. */
const passedOn =
  /^(PATH|HOME|TMPDIR|LANG|LC_ALL|SSL_CERT_FILE|SSL_CERT_DIR|(HTTP|HTTPS|NO)_PROXY|(http|https|no)_proxy|DOCKER_CONFIG|XDG_RUNTIME_DIR)$/;

function pickEnvironment(): NodeJS.ProcessEnv {
  // oxlint-disable-next-line node/no-process-env -- not configuration: what a program of this machine is started with
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => passedOn.test(name)));
}

function explainFailure(chart: string, complaint: string): ProvisionerError {
  const reason = complaint
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("WARNING"))
    .slice(-3)
    .join(" ")
    .replace(/^Error: /, "");
  if (
    /not found|no such file|no cached repo|failed to download|could not find/i.test(reason) &&
    !/template:/.test(reason)
  ) {
    return new ProvisionerError(
      "user",
      "ChartNotFound",
      `Helm can't get the chart ${chart}: ${reason}. Give a folder, an oci:// reference, or repo/chart together with a Helm home that knows the repository.`,
      { parameter: "version.charts" },
    );
  }
  return renderFailed(chart, reason === "" ? "Helm gave no reason" : reason);
}

function renderFailed(chart: string, reason: string): ProvisionerError {
  return new ProvisionerError(
    "unknown",
    "ChartRenderFailed",
    `Helm can't render the chart ${chart}: ${reason}. Check that the chart belongs to the version it is listed for.`,
  );
}

function timedOut(chart: string, timeoutMs: number): ProvisionerError {
  return new ProvisionerError(
    "transient",
    "HelmTimeout",
    `Helm did not render the chart ${chart} within ${timeoutMs} ms. When the chart comes from a registry, check that it answers.`,
  );
}

function cancelled(chart: string): ProvisionerError {
  return new ProvisionerError("transient", "Cancelled", `Rendering the chart ${chart} was cancelled.`);
}

function notStarted(helm: string, error: NodeJS.ErrnoException): ProvisionerError {
  if (error.code === "ENOENT" || error.code === "EACCES") {
    return new ProvisionerError(
      "user",
      "HelmMissing",
      `Can't start the helm program "${helm}" (${error.code}). Give the path of an executable Helm 3.8 or later, or a name on PATH.`,
      { parameter: "provider.helm" },
    );
  }
  return new ProvisionerError("unknown", "HelmFailed", `The helm program "${helm}" failed: ${error.message}.`, {
    cause: error,
  });
}
