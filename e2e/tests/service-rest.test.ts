import { operations, type WatchedEvent, watchEvents } from "@pilothouse/contract";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Service } from "../src/service.ts";
import { adminClient } from "./support/mesh.ts";
import { compareObjects, listAllObjects } from "./support/objects.ts";
import {
  codeOf,
  connectOverRest,
  makeTenant,
  readControlPlane,
  startTestService,
  type TestTenant,
  waitForOperation,
} from "./support/service-ground.ts";

const hosts = { "1.22": "istiod-eu-1-a", "1.32": "istiod-eu-1-b" } as const;

let service: Service;
let acme: TestTenant;
let umbra: TestTenant;

beforeAll(async () => {
  service = await startTestService();
  [acme, umbra] = await Promise.all([makeTenant(service, "acme"), makeTenant(service, "umbra")]);
});

afterAll(async () => {
  await service.stop();
});

describe.each([
  { line: "1.32", cluster: "shop", own: () => acme, other: () => umbra },
  { line: "1.22", cluster: "pay", own: () => umbra, other: () => acme },
] as const)("a control plane of line $line for $cluster, over REST alone", ({ line, cluster, own, other }) => {
  test("is ordered, watched to Ready, hidden from others, seen to fail and recover, deleted", async () => {
    const tenant = own();
    const mesh = await adminClient(cluster);
    const host = await adminClient(hosts[line]);
    const [meshBefore, hostBefore] = await Promise.all([listAllObjects(mesh), listAllObjects(host)]);
    await connectOverRest(tenant, cluster);

    const seen: WatchedEvent[] = [];
    const watching = new AbortController();
    const watch = (async () => {
      for await (const event of watchEvents(tenant.client, { tenant: tenant.name, signal: watching.signal }))
        seen.push(event);
    })();

    const preview = await tenant.client.call(operations.previewPlacement, {
      params: { tenant: tenant.name },
      body: { cluster, line },
    });
    expect(preview.body.placement.istiodCluster).toBe(hosts[line]);
    const startedMs = performance.now();
    const { body, status } = await tenant.client.call(operations.createControlPlane, {
      params: { tenant: tenant.name },
      body: { name: "mesh", cluster, line },
      idempotencyKey: "first",
    });
    expect(status).toBe(202);
    const operation = await waitForOperation(tenant, body.operation.id);
    expect(operation).toMatchObject({ state: "succeeded", kind: "control-plane.create" });
    expect(operation.steps.map((step) => step.name)).toContain("webhooksInstalled");
    const readyMs = performance.now() - startedMs;
    expect(readyMs).toBeLessThan(30_000);
    const ready = await readControlPlane(tenant, "mesh");
    expect(ready).toMatchObject({ phase: "Ready", operation: null, line });
    expect(ready.conditions.find((condition) => condition.type === "Ready")?.status).toBe("True");
    await expect.poll(() => seen.map((event) => event.type), { timeout: 10_000 }).toContain("control-plane.created");
    const [revision = ""] = ready.revisions;

    // Nothing of it exists for another tenant, whatever it asks.
    const stranger = other();
    const asked = { tenant: tenant.name, cluster, controlPlane: "mesh", operation: body.operation.id };
    const { tenant: tenantParam } = asked;
    expect(
      await Promise.all([
        codeOf(stranger.client.call(operations.getCluster, { params: { tenant: tenantParam, cluster } })),
        codeOf(stranger.client.call(operations.listClusters, { params: { tenant: tenantParam } })),
        codeOf(
          stranger.client.call(operations.getControlPlane, { params: { tenant: tenantParam, controlPlane: "mesh" } }),
        ),
        codeOf(stranger.client.call(operations.listControlPlanes, { params: { tenant: tenantParam } })),
        codeOf(
          stranger.client.call(operations.listRevisions, { params: { tenant: tenantParam, controlPlane: "mesh" } }),
        ),
        codeOf(
          stranger.client.call(operations.getOperation, {
            params: { tenant: tenantParam, operation: asked.operation },
          }),
        ),
        codeOf(
          stranger.client.call(operations.getOperation, {
            params: { tenant: stranger.name, operation: asked.operation },
          }),
        ),
        codeOf(stranger.client.call(operations.listOperations, { params: { tenant: tenantParam } })),
        codeOf(stranger.client.call(operations.listEvents, { params: { tenant: tenantParam } })),
        codeOf(
          stranger.client.call(operations.deleteControlPlane, {
            params: { tenant: tenantParam, controlPlane: "mesh" },
          }),
        ),
        codeOf(
          stranger.client.call(operations.getControlPlane, {
            params: { tenant: stranger.name, controlPlane: "mesh-of-nobody" },
          }),
        ),
      ]),
    ).toEqual(Array.from({ length: 11 }, () => "NotFound"));

    // A killed istiod is seen, with its reason, and comes back by itself.
    // It is killed again and again, so that it is not back before anybody could have looked.
    const killedMs = performance.now();
    await expect
      .poll(
        async () => {
          for (const { metadata } of await host.list({ apiVersion: "v1", kind: "Pod" }, { namespace: revision }))
            await host.request("DELETE", `/api/v1/namespaces/${revision}/pods/${metadata.name}`, {
              gracePeriodSeconds: 0,
            });
          const { conditions } = await readControlPlane(tenant, "mesh");
          return conditions.find((condition) => condition.type === "Ready")?.status;
        },
        { timeout: 45_000, interval: 250 },
      )
      .toBe("False");
    expect(performance.now() - killedMs).toBeLessThan(45_000);
    await expect
      .poll(async () => (await readControlPlane(tenant, "mesh")).phase, { timeout: 90_000, interval: 500 })
      .toBe("Ready");

    const deleted = await tenant.client.call(operations.deleteControlPlane, {
      params: { tenant: tenant.name, controlPlane: "mesh" },
    });
    expect((await waitForOperation(tenant, deleted.body.operation.id)).state).toBe("succeeded");
    expect(await codeOf(readControlPlane(tenant, "mesh"))).toBe("NotFound");
    const disconnected = await tenant.client.call(operations.disconnectCluster, {
      params: { tenant: tenant.name, cluster },
    });
    expect((await waitForOperation(tenant, disconnected.body.operation.id)).state).toBe("succeeded");
    await expect
      .poll(() => seen.map((event) => event.type), { timeout: 10_000 })
      .toEqual(expect.arrayContaining(["control-plane.created", "control-plane.deleted", "cluster.deleted"]));
    watching.abort();
    await watch;
    // In the order in which they happened, and each once.
    expect(new Set(seen.map((event) => event.id)).size).toBe(seen.length);

    const isKept = (name: string): boolean => /\.istio\.io | istio-system/.test(name);
    await expect
      .poll(async () => compareObjects(meshBefore, await listAllObjects(mesh)).added.filter((name) => !isKept(name)), {
        timeout: 30_000,
      })
      .toEqual([]);
    await expect
      .poll(async () => compareObjects(hostBefore, await listAllObjects(host)).added, { timeout: 30_000 })
      .toEqual([]);
  });
});
