import { setTimeout as sleep } from "node:timers/promises";
import {
  clusterLabel,
  createDeadline,
  createExtendableDeadline,
  createKubeClient,
  disconnectCluster,
  type KubeClient,
  managedByLabel,
  managedByValue,
  type MeshCluster,
  ProvisionerError,
  readMoment,
  removeRevision,
  renewClusterToken,
} from "@pilothouse/provisioner";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { removeUntilDone } from "../src/reconcile-loop.ts";
import { type SeenCall, withFaults } from "./support/faulty-way.ts";
import { adminClient, clearMesh, connectMesh, describeRevision } from "./support/mesh.ts";
import { readTestGround } from "./support/test-fleet.ts";
import { waitFor } from "./support/wait-for.ts";

const minuteMs = 60_000;
const system = "istio-system";
const identities = "pilothouse-system";

let shop: KubeClient;
let pay: KubeClient;
let shopMesh: MeshCluster;
let payMesh: MeshCluster;

beforeAll(async () => {
  [shop, pay] = await Promise.all([adminClient("shop"), adminClient("pay")]);
  await Promise.all(["shop", "pay"].map(clearMesh));
  [shopMesh, payMesh] = await Promise.all([connectMesh("shop"), connectMesh("pay")]);
});

afterAll(async () => {
  await Promise.all(["shop", "pay"].map(clearMesh));
});

const put = (client: KubeClient, kind: string, namespace: string, name: string) =>
  client.apply({ apiVersion: "v1", kind, metadata: { name, namespace } });

/** Whether istio-system is there and is not about to go. */
async function hasSystemNamespace(client: KubeClient): Promise<boolean> {
  const found = await client.get({ apiVersion: "v1", kind: "Namespace", name: system });
  return found !== undefined && found.metadata.deletionTimestamp === undefined;
}

/** Disconnects; answers what it says of istio-system. Istio's definitions stay where earlier tests have brought them. */
async function disconnect(cluster: MeshCluster, wish: { removeSystemNamespace?: boolean } = {}): Promise<string[]> {
  const { provider } = await readTestGround();
  const { done, kept } = await disconnectCluster({ cluster, provider, deadline: createDeadline(minuteMs), ...wish });
  expect(done).toBe(true);
  return kept.filter((what) => what.startsWith("Namespace"));
}

test("a wish doesn't remove an istio-system in which something is seen", async () => {
  await put(pay, "ConfigMap", system, "settings");
  expect(await disconnect(payMesh, { removeSystemNamespace: true })).toEqual([
    "Namespace istio-system: it holds ConfigMap settings",
  ]);
  expect(await hasSystemNamespace(pay)).toBe(true);
});

describe("of Pilothouse's own tokens", () => {
  const spare = { apiVersion: "v1", kind: "Secret", namespace: identities, name: "pilothouse-token-b" };

  const listSecrets = async () =>
    (await shop.list({ apiVersion: "v1", kind: "Secret" }, { namespace: identities })).map(({ metadata }) => [
      metadata.name,
      metadata.uid,
    ]);

  /** Renews by a clock of its own; that of the API server, which says when a Secret was made, goes on as it is. */
  async function renew(cluster: MeshCluster, nowMs: number) {
    const { provider } = await readTestGround();
    return renewClusterToken({
      cluster,
      provider,
      deadline: createDeadline(10_000),
      saveCluster: () => Promise.resolve(),
      nowMs: () => nowMs,
    });
  }

  test("the one of before goes when a cluster is connected again: its Secret is another one", async () => {
    const { secretName, secretUid } = shopMesh.token;
    expect(await listSecrets()).toEqual([[secretName, secretUid]]);
    shopMesh = await connectMesh("shop");
    expect(shopMesh.token.secretUid).not.toBe(secretUid);
    expect(await listSecrets()).toEqual([[shopMesh.token.secretName, shopMesh.token.secretUid]]);
  });

  test.for([
    {
      ageMs: 10_000,
      tokenAgeMs: 30 * minuteMs,
      stays: true,
      what: "may be of a connection that is just being stored, and stays",
    },
    { ageMs: 10 * minuteMs, tokenAgeMs: 30 * minuteMs, stays: false, what: "that nobody stored in minutes is revoked" },
    { ageMs: 2 * minuteMs, tokenAgeMs: minuteMs, stays: false, what: "older than the token itself is revoked" },
  ])("when no renewal is due, a second Secret $what", async ({ ageMs, tokenAgeMs, stays }) => {
    const { metadata } = await shop.create({ apiVersion: "v1", kind: "Secret", metadata: spare });
    const nowMs = Date.parse(metadata.creationTimestamp ?? "") + ageMs;
    const token = { ...shopMesh.token, issuedAt: new Date(nowMs - tokenAgeMs).toISOString() };
    const { renewed } = await renew({ ...shopMesh, token }, nowMs);
    expect(renewed).toBe(false);
    expect(await shop.delete(spare)).toBe(stays);
  });

  test("both work when a renewal is due beside a Secret that was just made: it binds its own to that", async () => {
    const labels = { [managedByLabel]: managedByValue, [clusterLabel]: "shop" };
    const { metadata } = await shop.create({ apiVersion: "v1", kind: "Secret", metadata: { ...spare, labels } });
    const uid = metadata.uid ?? "";
    const account = { namespace: identities, name: shopMesh.token.serviceAccount };
    const other = await shop.requestToken(account, {
      expirationSeconds: 3600,
      boundSecret: { name: spare.name, uid },
    });
    const token = {
      ...shopMesh.token,
      issuedAt: new Date(Date.now() - 50 * minuteMs).toISOString(),
      expiresAt: new Date(Date.now() + 10 * minuteMs).toISOString(),
    };
    const { cluster } = await renew({ ...shopMesh, token }, Date.now());
    shopMesh = cluster;
    expect(cluster.token).toMatchObject({ secretName: spare.name, secretUid: uid });
    expect(await listSecrets()).toEqual([[spare.name, uid]]);
    for (const text of [other.token, cluster.token.token]) {
      const { server, certificateAuthority } = cluster;
      const client = createKubeClient(
        {
          server,
          ...(certificateAuthority === undefined ? {} : { certificateAuthority }),
          credential: { token: text },
        },
        { deadline: createDeadline(10_000) },
      );
      expect((await client.get(spare))?.metadata.uid).toBe(uid);
      await client.close();
    }
  });
});

/** Removes a revision that was never made: what the last one's istiod left behind is looked for all the same. */
async function removeLast(mesh: MeshCluster): Promise<void> {
  const request = await describeRevision(mesh, "1.32", "last-of-all");
  const { leftovers } = await removeUntilDone({ ...request, giveUpAtMs: Date.now() + minuteMs }, { timeoutMs: 20_000 });
  expect(leftovers).toEqual([]);
}

describe("of GatewayClasses, with the last revision", () => {
  const classes = "/apis/gateway.networking.k8s.io/v1/gatewayclasses";
  const names = ["istio", "istio-remote"];
  const kind = { apiVersion: "gateway.networking.k8s.io/v1", kind: "GatewayClass" };
  const definition = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };
  const definitionName = "gatewayclasses.gateway.networking.k8s.io";

  beforeAll(async () => {
    const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
    await shop.apply({
      ...definition,
      metadata: {
        name: definitionName,
        // The API server asks for this in groups of Kubernetes' own.
        annotations: { "api-approved.kubernetes.io": "unapproved, for a test" },
      },
      spec: {
        group: "gateway.networking.k8s.io",
        names: { kind: kind.kind, listKind: "GatewayClassList", plural: "gatewayclasses", singular: "gatewayclass" },
        scope: "Cluster",
        versions: [{ name: "v1", served: true, storage: true, schema }],
      },
    });
    await waitFor("GatewayClasses to be served", () => isServed(shop, classes), 20_000);
  });

  afterEach(async () => {
    for (const name of names) await shop.delete({ ...kind, name });
  });

  afterAll(async () => {
    await shop.delete({ ...definition, name: definitionName });
  });

  const make = (name: string, manager: string, controllerName: string) =>
    shop.request("POST", `${classes}?fieldManager=${manager}`, {
      ...kind,
      metadata: { name },
      spec: { controllerName },
    });

  const listClasses = async () => (await shop.list(kind)).map(({ metadata }) => metadata.name);

  test("those that istiod made go", async () => {
    await make("istio", "pilot-discovery", "istio.io/gateway-controller");
    await make("istio-remote", "pilot-discovery", "istio.io/unmanaged-gateway");
    await removeLast(shopMesh);
    expect(await listClasses()).toEqual([]);
  });

  test("one that a person made or changed stays", async () => {
    await make("istio", "kubectl-create", "istio.io/gateway-controller");
    await make("istio-remote", "pilot-discovery", "istio.io/unmanaged-gateway");
    const found = await shop.get({ ...kind, name: "istio-remote" });
    const annotations = { "example.test/used-by": "us" };
    await shop.request("PUT", `${classes}/istio-remote?fieldManager=kubectl-edit`, {
      ...found,
      metadata: { ...found?.metadata, annotations },
    });
    await removeLast(shopMesh);
    expect(await listClasses()).toEqual(names);
  });

  test("one of another controller stays, whoever wrote it", async () => {
    await make("istio", "pilot-discovery", "example.test/gateways");
    await removeLast(shopMesh);
    expect(await listClasses()).toEqual(["istio"]);
  });
});

/** Whether a new definition has been taken up. */
async function isServed(client: KubeClient, path: string): Promise<boolean> {
  try {
    await client.request("GET", path);
    return true;
  } catch (error) {
    // Kinds that are just being taken up are answered with 429.
    if (error instanceof ProvisionerError && (error.code === "NotFound" || error.kind === "transient")) return false;
    throw error;
  }
}

describe("of many namespaces, with the last revision", () => {
  const namespaces = Array.from({ length: 16 }, (_none, index) => ({
    apiVersion: "v1",
    kind: "Namespace",
    name: `team-${index}`,
  }));

  beforeAll(async () => {
    await Promise.all(
      namespaces.map(({ name, ...kind }) => shop.apply({ ...kind, metadata: { name, labels: { team: "yes" } } })),
    );
  });

  afterAll(async () => {
    await Promise.all(namespaces.map((namespace) => shop.delete(namespace)));
    const isGone = async () =>
      (await shop.list({ apiVersion: "v1", kind: "Namespace" }, { labelSelector: "team" })).length === 0;
    await waitFor("the namespaces to be gone", isGone, minuteMs);
  });

  test("only those with ConfigMaps of istiod get a delete, and none of these waits behind the others until its time is over", async () => {
    const ofIstiod = namespaces
      .slice(2)
      .flatMap(({ name: namespace }) => ["istio-ca-root-cert", "istio-ca-crl"].map((name) => ({ namespace, name })));
    const ofTheTenant = namespaces.map(({ name: namespace }) => ({ namespace, name: "of-the-tenant" }));
    await Promise.all(
      [...ofIstiod, ...ofTheTenant].map(({ namespace, name }) => put(shop, "ConfigMap", namespace, name)),
    );

    const isHeld = ({ method, path }: SeenCall): boolean => method === "DELETE" && path.includes("/configmaps/");
    const { result, seen } = await withFaults(
      "shop",
      async (call) => {
        if (isHeld(call)) await sleep(1_000);
        return undefined;
      },
      async ({ lead, provider }) => {
        const request = { ...(await describeRevision(lead(shopMesh), "1.32", "last-of-many")), provider };
        // One call may take a third of what is left at first: enough for a busy machine. The four connections of a client have eight deletes each, eight
        // seconds in a row.
        const deadline = createExtendableDeadline({ afterMs: 18_000 });
        const removal = removeRevision({ ...request, giveUpAtMs: Date.now() + minuteMs, deadline });
        deadline.extend(readMoment(), minuteMs);
        return removal.finally(() => deadline.end());
      },
    );
    expect(result).toMatchObject({ done: true, conditions: [{ status: "True", reason: "Removed" }] });
    const deletes = seen.filter((call) => isHeld(call) && !call.path.includes(`/${system}/`));
    expect(deletes.map(({ path }) => path).toSorted()).toEqual(
      ofIstiod.map(({ namespace, name }) => `/api/v1/namespaces/${namespace}/configmaps/${name}`).toSorted(),
    );
    const left = (await shop.list({ apiVersion: "v1", kind: "ConfigMap" })).map(({ metadata }) => metadata.name);
    expect(left.filter((name) => name.startsWith("istio-ca-"))).toEqual([]);
    expect(left.filter((name) => name === "of-the-tenant")).toHaveLength(namespaces.length);
  });
});

test("a Secret of the tenant's in istio-system outlives the connection, although Pilothouse can't see it", async () => {
  await put(shop, "Secret", system, "gateway-certificate");
  const kept = await disconnect(shopMesh);
  expect(kept.join()).toContain("kubectl delete namespace istio-system");
  expect(await hasSystemNamespace(shop)).toBe(true);
  expect(
    await shop.get({ apiVersion: "v1", kind: "Secret", namespace: system, name: "gateway-certificate" }),
  ).toBeDefined();
  const anchor = { apiVersion: "rbac.authorization.k8s.io/v1", kind: "ClusterRole", name: "pilothouse-anchor" };
  expect(await shop.get(anchor)).toBeUndefined();
});

test("istio-system goes when that is wished and nothing is seen in it", async () => {
  await pay.delete({ apiVersion: "v1", kind: "ConfigMap", namespace: system, name: "settings" });
  payMesh = await connectMesh("pay");
  expect(await disconnect(payMesh, { removeSystemNamespace: true })).toEqual([]);
  expect(await hasSystemNamespace(pay)).toBe(false);
});
