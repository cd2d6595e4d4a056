import { once } from "node:events";
import { join } from "node:path";
import { connect } from "node:tls";
import {
  createDeadline,
  createKubeClient,
  type KubeClient,
  type MeshCluster,
  readIstiodLoads,
  type RevisionRequest,
} from "@pilothouse/provisioner";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { listOutgoingConnections } from "./support/connections.ts";
import { openDiscoveryWatch } from "./support/discovery-watch.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh } from "./support/mesh.ts";
import {
  applyServer,
  applyWorkloads,
  removeWorkloads,
  serverHost,
  serverPorts,
  servicePort,
  workloadNamespace,
} from "./support/mesh-workloads.ts";
import { fetchInside } from "./support/send-request.ts";
import { type Sidecar, startSidecar } from "./support/sidecar.ts";
import { lines } from "./support/test-fleet.ts";
import { closeWorkloads, openWorkloadPlace } from "./support/workload-place.ts";

const EchoSchema = z.object({ path: z.string(), headers: z.record(z.string(), z.string()) });

const identityOf = (account: string): string => `spiffe://cluster.local/ns/${workloadNamespace}/sa/${account}`;

beforeAll(closeWorkloads);
afterAll(closeWorkloads);

describe.each(lines)("sidecars of line %s", (line) => {
  let mesh: MeshCluster;
  let shop: KubeClient;
  let request: Omit<RevisionRequest, "deadline">;
  let hostname = "";
  let client: Sidecar;
  let server: Sidecar;

  beforeAll(async () => {
    [shop, mesh] = await Promise.all([adminClient("shop"), connectMesh("shop")]);
    request = await describeRevision(mesh, line, `sidecars-${line.replace(".", "-")}`);
    const { observed } = await reconcileUntilReady(request, { timeoutMs: 60_000 });
    hostname = observed.hostname;
    const [clientPlace, serverPlace] = await Promise.all([
      openWorkloadPlace("client", 0),
      openWorkloadPlace("server", 1),
    ]);
    await applyWorkloads(shop, request.revision.id);
    await applyServer(shop, request.revision.id, serverPlace.address);
    serverPlace.start("application", [
      process.execPath,
      join(import.meta.dirname, "support/echo-server.ts"),
      String(serverPorts.application),
    ]);
    const common = {
      line,
      revision: { id: request.revision.id, hostname: observed.hostname },
      mesh: { id: mesh.id, client: shop },
      namespace: workloadNamespace,
    };
    [client, server] = await Promise.all([
      startSidecar({ ...common, place: clientPlace, name: "client" }),
      startSidecar({ ...common, place: serverPlace, name: "server" }),
    ]);
  });

  afterAll(async () => {
    await closeWorkloads();
    await removeWorkloads(shop);
    await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
    await disconnectMesh(mesh);
  });

  test("become ready, connected to nothing but the edge", async () => {
    for (const sidecar of [client, server]) {
      await sidecar.waitUntilReady(30_000);
      expect(await sidecar.readReadiness()).toBe(200);
      const peers = (await listOutgoingConnections(sidecar.place.pid)).map(({ peer }) => peer);
      expect(new Set(peers)).toEqual(new Set([`${request.istiodCluster.edgeAddresses[0]}:15012`]));
      const stats = await sidecar.readStats();
      expect(stats.get("cluster_manager.cds.update_rejected")).toBe(0);
      expect(stats.get("listener_manager.lds.update_rejected")).toBe(0);
    }
  });

  test("are counted by istiod, and Pilothouse's own streams are not", async () => {
    const { id, version } = request.revision;
    const watch = await openDiscoveryWatch(mesh, { id, hostname, version: version.version });
    const istiod = createKubeClient(request.istiodCluster.access, { deadline: createDeadline(30_000) });
    try {
      await expect
        .poll(async () => (await readIstiodLoads(istiod, id)).map(({ proxies }) => proxies), { timeout: 20_000 })
        .toEqual([2]);
      const [load] = await readIstiodLoads(istiod, id);
      expect(load?.cpuSeconds).toBeGreaterThan(0);
      // An idle istiod of a small mesh holds about 112 MB.
      expect(load?.memoryBytes).toBeGreaterThan(30_000_000);
      expect(load?.memoryBytes).toBeLessThan(1_000_000_000);
    } finally {
      await watch.close();
      await istiod.close();
    }
  });

  test("exchange a request in which each has proven who it is", async () => {
    const url = `http://127.0.0.1:${servicePort}/greeting`;
    const echo = EchoSchema.parse(
      JSON.parse(await fetchInside(client.place.pid, url, { host: `${serverHost}:${servicePort}` })),
    );
    expect(echo.path).toBe("/greeting");
    // The server's Envoy writes this header from the certificates of the connection.
    const certificates = new Map(
      echo.headers["x-forwarded-client-cert"]?.split(";").map((pair) => [pair.split("=")[0], pair.split("=")[1]]),
    );
    expect(certificates.get("By")).toBe(identityOf("server"));
    expect(certificates.get("URI")).toBe(identityOf("client"));
    const stats = await server.readStats();
    expect(stats.get(`listener.0.0.0.0_${serverPorts.sidecar}.ssl.handshake`)).toBe(1);
  });

  test("take nothing from who proves nothing", async () => {
    const { address } = server.place;
    await expect(fetch(`http://${address}:${serverPorts.sidecar}/`)).rejects.toThrow("fetch failed");

    const stranger = connect({ host: address, port: serverPorts.sidecar, rejectUnauthorized: false });
    await expect(once(stranger, "close")).rejects.toMatchObject({ code: "ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED" });
    const stats = await server.readStats();
    expect(stats.get(`listener.0.0.0.0_${serverPorts.sidecar}.ssl.fail_verify_no_cert`)).toBe(1);
  });
});
