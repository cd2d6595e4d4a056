import { createSecureContext, type SecureContext } from "node:tls";
import type { ServerHttp2Session } from "node:http2";
import { type Authority, createAuthority, createKeyPair, readRequestedKey } from "./certificates.ts";
import type { SimulatedCluster } from "./cluster.ts";
import { keepMeshPrepared, type MeshCall } from "./istiod-upkeep.ts";
import { listAt, textAt, valueAt } from "./values.ts";

/** What istiod of a revision is told by its pod. */
export interface IstiodSettings {
  revision: string;
  hostname: string;
  /** As it reports it, such as `1.32-dev`. */
  version: string;
  podName: string;
  /** Where proxies get configuration and certificates, as its files say. */
  discoveryAddress: string;
  caAddress: string;
  mesh: SimulatedCluster;
  /** The token in its Secret now. */
  readToken: () => string;
  signal: AbortSignal;
}

/** An istiod that serves. */
export interface Istiod {
  settings: IstiodSettings;
  /** For webhooks, and for proxies: these may show a certificate of the mesh. */
  webhookContext: SecureContext;
  proxyContext: SecureContext;
  /** A chain for a request's key, when the token is good. @throws Error that says why not */
  signCertificate: (csr: string, lifetimeSeconds: number, token: string) => Promise<string[]>;
  /** Connections of proxies. */
  sessions: Set<ServerHttp2Session>;
}

/** Certificates of all istiods here have one key: nobody outside can tell, and each certificate is still its mesh's. */
const serverKeys = createKeyPair();
const lookIntervalMs = 100;
const mostLifetimeSeconds = 86_400;

/** Versions of the line of 1.32 and later wait for what only newer definitions serve; 1.22 reads the older ones. */
const neededGroups = (version: string): string[] =>
  Number(/^1\.(\d+)/.exec(version)?.[1] ?? 0) > 22
    ? ["networking.istio.io/v1", "security.istio.io/v1", "telemetry.istio.io/v1"]
    : ["networking.istio.io/v1alpha3", "security.istio.io/v1beta1", "telemetry.istio.io/v1alpha1"];

const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Calls the mesh cluster's API with istiod's token. */
const createMeshCall =
  ({ mesh, readToken }: IstiodSettings): MeshCall =>
  async (method, url, body) => {
    const { status, text } = await mesh.api({
      method,
      url,
      token: readToken(),
      ...(body === undefined ? {} : { body }),
    });
    const answer: unknown = JSON.parse(text);
    return { status, body: answer };
  };

/** Answers when the mesh cluster lets istiod in and serves all that it reads; undefined when it was ended before. */
async function waitForMesh(settings: IstiodSettings, call: MeshCall): Promise<Authority | undefined> {
  while (!settings.signal.aborted) {
    const looks = [
      call("GET", "/api/v1/namespaces"),
      call("GET", "/api/v1/secrets"),
      ...neededGroups(settings.version).map((group) => call("GET", `/apis/${group}`)),
    ];
    if ((await Promise.all(looks)).every(({ status }) => status === 200)) {
      const authority = await ensureAuthority(call);
      if (authority !== undefined) return authority;
    }
    await sleep(lookIntervalMs);
  }
  return undefined;
}

const caSecret = "/api/v1/namespaces/istio-system/secrets";

/** The mesh's certificate authority: that of an istiod before, or a new one. */
async function ensureAuthority(call: MeshCall): Promise<Authority | undefined> {
  const name = "istio-ca-secret";
  const found = await call("GET", `${caSecret}/${name}`);
  if (found.status === 200) {
    const read = (key: string): string => Buffer.from(textAt(found.body, "data", key), "base64").toString("utf8");
    return createAuthority("cluster.local", { certificate: read("ca-cert.pem"), privateKey: read("ca-key.pem") });
  }
  const made = createAuthority("cluster.local");
  const encode = (text: string): string => Buffer.from(text).toString("base64");
  const data = {
    "ca-cert.pem": encode(made.certificate),
    "ca-key.pem": encode(made.privateKey),
    "cert-chain.pem": "",
    "key.pem": "",
    "root-cert.pem": "",
  };
  const metadata = { name, namespace: "istio-system" };
  const secret = { apiVersion: "v1", kind: "Secret", metadata, type: "istio.io/ca-root", data };
  const { status } = await call("POST", `${caSecret}?fieldManager=pilot-discovery`, secret);
  return status === 201 ? made : undefined;
}

/**
 * Runs an istiod until its signal is aborted.
 * @returns what the edge leads to, once it serves; undefined when it was ended before
 */
export async function startIstiod(settings: IstiodSettings): Promise<Istiod | undefined> {
  const call = createMeshCall(settings);
  const authority = await waitForMesh(settings, call);
  if (authority === undefined) return undefined;
  const cert = authority.issue(serverKeys.publicKey, { names: [{ dns: settings.hostname }] });
  const own = { cert, key: serverKeys.privateKey };
  keepMeshPrepared(settings, authority.certificate, call);

  const signCertificate: Istiod["signCertificate"] = async (csr, lifetimeSeconds, token) => {
    const review = {
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenReview",
      spec: { token, audiences: ["istio-ca"] },
    };
    const { status, body } = await call("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review);
    if (status !== 201) throw new Error(`the token can't be reviewed: ${textAt(body, "message")}`);
    if (valueAt(body, "status", "authenticated") !== true) throw new Error(textAt(body, "status", "error"));
    const [, , namespace = "", account = ""] = textAt(body, "status", "user", "username").split(":");
    if (!listAt(body, "status", "audiences").includes("istio-ca")) throw new Error("the token is for others");
    const lifetimeMs = Math.min(lifetimeSeconds, mostLifetimeSeconds) * 1000;
    const uri = `spiffe://cluster.local/ns/${namespace}/sa/${account}`;
    return [authority.issue(readRequestedKey(csr), { names: [{ uri }], lifetimeMs }), authority.certificate];
  };

  const sessions = new Set<ServerHttp2Session>();
  settings.signal.addEventListener(
    "abort",
    () => {
      for (const session of sessions) session.close();
      setTimeout(() => {
        for (const session of sessions) session.destroy();
      }, lookIntervalMs);
    },
    { once: true },
  );
  return {
    settings,
    webhookContext: createSecureContext(own),
    proxyContext: createSecureContext({ ...own, ca: authority.certificate }),
    signCertificate,
    sessions,
  };
}
