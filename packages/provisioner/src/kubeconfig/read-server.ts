import { isIP } from "node:net";
import type { Entry } from "./kubeconfig-entry.ts";
import { readText } from "./kubeconfig-entry.ts";
import type { KubeconfigProblem } from "./kubeconfig-error.ts";
import { createKubeconfigError } from "./kubeconfig-error.ts";

const longestHostName = 253;
const hostName =
  /^(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*$/;

/**
 * The API server's address of a cluster entry, as `https://host:port`; the port is 443 when none is given.
 *
 * @throws ProvisionerError (kind user) with the codes KubeconfigServerMissing, -Invalid, -NotHttps, -HasCredentials, -HasPath, -HasQuery
 */
export function readServer(entry: Entry): string {
  const path = `${entry.path}.server`;
  const fail = (code: KubeconfigProblem, message: string) => createKubeconfigError(code, path, message);
  const text = readText(entry, "server");
  if (text === undefined) {
    throw fail(
      "KubeconfigServerMissing",
      `${path} is missing. Give the API server's address, such as https://host:6443.`,
    );
  }
  // The URL parser drops line breaks and takes a backslash for a slash.
  const url = /[\s\\]/.test(text) || !/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? null : URL.parse(text);
  if (url === null) {
    throw fail("KubeconfigServerInvalid", `${path} is not a valid address. Give it as https://host:port.`);
  }
  if (url.protocol !== "https:") {
    throw fail("KubeconfigServerNotHttps", `${path} must begin with https://, so that the server can be recognised.`);
  }
  if (url.username !== "" || url.password !== "" || text.includes("@")) {
    throw fail(
      "KubeconfigServerHasCredentials",
      `${path} must hold no user name or password. Put a token into the user entry.`,
    );
  }
  if (url.search !== "" || url.hash !== "" || text.includes("?") || text.includes("#")) {
    throw fail("KubeconfigServerHasQuery", `${path} must end after the port, without ? or #.`);
  }
  if (url.pathname !== "/") {
    throw fail(
      "KubeconfigServerHasPath",
      `${path} must end after the port. Give the API server itself rather than a gateway with a path before it.`,
    );
  }
  const host = url.hostname.replace(/\.$/, "");
  const isAddress = host.startsWith("[") || isIP(host) !== 0;
  if (url.port === "0" || host.length > longestHostName || !(isAddress || hostName.test(host))) {
    throw fail("KubeconfigServerInvalid", `${path} has no valid host or port. Give it as https://host:port.`);
  }
  return `https://${host}:${url.port || "443"}`;
}

/** The cluster entry's `tls-server-name`, when there is one. */
export function readTlsServerName(entry: Entry): string | undefined {
  const name = readText(entry, "tls-server-name");
  if (name === undefined || isIP(name) !== 0 || hostName.test(name)) return name;
  const path = `${entry.path}.tls-server-name`;
  throw createKubeconfigError(
    "KubeconfigTlsServerNameInvalid",
    path,
    `${path} must be a host name or an IP address, as it stands in the server's certificate.`,
  );
}
