import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { Agent, createServer, request } from "node:https";
import { buffer } from "node:stream/consumers";
import { type ClusterAccess, type MeshCluster, parseKubeconfig, type ProviderConfig } from "@pilothouse/provisioner";
import { parse, stringify } from "yaml";
import { createAuthority, createKeyPair } from "../../src/simulation/certificates.ts";
import { findKubeconfig } from "./mesh.ts";
import { readTestGround } from "./test-fleet.ts";

/** A call as it came by. */
export interface SeenCall {
  method: string;
  /** Without its query. */
  path: string;
  query: URLSearchParams;
}

/** What a call meets on its way: a refusal, or nobody who ever answers. */
export type Fault = { status: 403 | 503; message: string } | "never answered";

/** Says what a call meets; undefined lets it through, as soon as a promise of it is kept. */
export type ChooseFault = (call: SeenCall) => Fault | undefined | Promise<Fault | undefined>;

/** A way to a cluster's API server on which calls meet faults. */
export interface FaultyWay {
  /** An administrator's, over this way. */
  kubeconfig: string;
  /** The ground's provider, who lets clusters be reached over this way too. */
  provider: ProviderConfig;
  /** A connection of the cluster's, led over this way. */
  lead: (mesh: MeshCluster) => MeshCluster;
}

const address = "127.0.0.1";
const keys = createKeyPair();
const authority = createAuthority("way with faults");
const certificate = authority.issue(keys.publicKey, { names: [{ ip: address }] });

const reasons = { 403: "Forbidden", 503: "ServiceUnavailable" } as const;

function refuse(response: ServerResponse, { status, message }: Exclude<Fault, string>): void {
  const body = { kind: "Status", apiVersion: "v1", status: "Failure", code: status, reason: reasons[status], message };
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

/** Sends a call on to the API server; one without a token as the administrator, whose certificate ends here. */
async function sendOn(incoming: IncomingMessage, body: Buffer, { access, agent }: Origin): Promise<IncomingMessage> {
  const { credential, server, certificateAuthority } = access;
  const { authorization, accept, "content-type": contentType } = incoming.headers;
  const asAdministrator = authorization === undefined && "clientKey" in credential;
  const call = request(new URL(incoming.url ?? "/", server), {
    agent,
    method: incoming.method,
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(accept === undefined ? {} : { accept }),
      ...(contentType === undefined ? {} : { "content-type": contentType }),
      "content-length": body.length,
    },
    ca: certificateAuthority,
    ...(asAdministrator ? { cert: credential.clientCertificate, key: credential.clientKey } : {}),
  });
  const answered = once(call, "response");
  call.end(body);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the event's one parameter
  return (await answered)[0] as IncomingMessage;
}

interface Origin {
  access: ClusterAccess;
  agent: Agent;
}

interface KubeconfigClusters {
  clusters: { cluster: Record<string, unknown> }[];
}

/** The kubeconfig, leading to another server. */
function redirect(kubeconfig: string, server: string): string {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the ground wrote it
  const config = parse(kubeconfig) as KubeconfigClusters;
  const data = Buffer.from(authority.certificate).toString("base64");
  for (const entry of config.clusters) entry.cluster = { server, "certificate-authority-data": data };
  return stringify(config);
}

/**
 * Opens a way to the API server of one of the ground's clusters while `work` goes on: a proxy with a certificate of its own, behind which is
 * the cluster itself, with its own authorization and admission.
 *
 * @returns what `work` answered, and all calls that came by, in their order
 */
export async function withFaults<Result>(
  cluster: string,
  choose: ChooseFault,
  work: (way: FaultyWay) => Promise<Result>,
): Promise<{ result: Result; seen: SeenCall[] }> {
  const [good, ground] = await Promise.all([readFile(await findKubeconfig(cluster), "utf8"), readTestGround()]);
  const origin = { access: parseKubeconfig(good).access, agent: new Agent({ keepAlive: true }) };
  const seen: SeenCall[] = [];

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(incoming);
    const { pathname, searchParams } = new URL(incoming.url ?? "/", origin.access.server);
    const call = { method: incoming.method ?? "", path: pathname, query: searchParams };
    seen.push(call);
    const fault = await choose(call);
    if (fault === "never answered") return;
    if (fault !== undefined) return refuse(response, fault);
    const passed = await sendOn(incoming, body, origin);
    response.writeHead(passed.statusCode ?? 502, { "content-type": passed.headers["content-type"] ?? "text/plain" });
    response.end(await buffer(passed));
  }

  const proxy = createServer(
    { cert: certificate, key: keys.privateKey },
    (incoming, response) => void answer(incoming, response).catch(() => response.destroy()),
  );
  proxy.listen(0, address);
  await once(proxy, "listening");
  try {
    const bound = proxy.address();
    if (bound === null || typeof bound === "string") throw new Error("the proxy has no port");
    const server = `https://${address}:${bound.port}`;
    const result = await work({
      kubeconfig: redirect(good, server),
      provider: {
        ...ground.provider,
        allowedApiServerRanges: [...ground.provider.allowedApiServerRanges, `${address}/32`],
      },
      lead: ({ tlsServerName: _name, ...mesh }) => ({
        ...mesh,
        server,
        certificateAuthority: authority.certificate,
      }),
    });
    return { result, seen };
  } finally {
    proxy.closeAllConnections();
    proxy.close();
    origin.agent.destroy();
  }
}
