import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeadline,
  type KubeClient,
  type MeshCluster,
  reconcileRevision,
  type RevisionResult,
} from "@pilothouse/provisioner";
import { afterAll, beforeAll, expect, test } from "vitest";
import { reconcileUntilReady, removeUntilDone } from "../src/reconcile-loop.ts";
import { adminClient, connectMesh, describeRevision, disconnectMesh, runCommands } from "./support/mesh.ts";
import { compareObjects, listAllObjects, noDifferences } from "./support/objects.ts";
import { waitFor } from "./support/wait-for.ts";

const definitions = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };

let pay: KubeClient;
let mesh: MeshCluster;

const removeDefinitions = async (): Promise<void> => {
  const listIstio = async () =>
    (await pay.list(definitions)).filter((definition) => definition.metadata.name.endsWith(".istio.io"));
  for (const { metadata } of await listIstio()) await pay.delete({ ...definitions, name: metadata.name });
  await waitFor("the definitions to be gone", async () => (await listIstio()).length === 0, 30_000);
};

beforeAll(async () => {
  pay = await adminClient("pay");
  await removeDefinitions();
  mesh = await connectMesh("pay");
});

afterAll(async () => {
  await disconnectMesh(mesh);
  await removeDefinitions();
});

const find = (result: RevisionResult, type: string) => result.conditions.find((condition) => condition.type === type);

test("the newer istiod on the older line's definitions is not Ready, and the reason says so; with its own it becomes Ready", async () => {
  const older = await describeRevision(mesh, "1.22", "skew-older");
  await reconcileUntilReady(older, { timeoutMs: 90_000 });
  await removeUntilDone({ ...older, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });

  const newer = await describeRevision(mesh, "1.32", "skew-newer");
  const left = { ...newer, revision: { ...newer.revision, customResources: "leave" as const } };
  const untilMs = performance.now() + 15_000;
  let result: RevisionResult;
  do {
    result = await reconcileRevision({ ...left, deadline: createDeadline(60_000) });
    expect(find(result, "Ready")?.status).toBe("False");
    await sleep(1_000);
  } while (performance.now() < untilMs);
  expect(find(result, "Ready")).toMatchObject({ status: "False", reason: "DefinitionsTooOld" });
  expect(find(result, "Ready")?.message).toMatch(/older than istiod 1\.32-dev.*\.istio\.io v1[,. ]/);
  // A real istiod of the newer line runs all the while, and does not become ready.
  expect(find(result, "IstiodAvailable")).toMatchObject({ status: "False", reason: "NotReady" });
  expect(find(result, "WebhooksInstalled")).toBeUndefined();

  const { conditions } = await reconcileUntilReady(newer, { timeoutMs: 90_000 });
  expect(conditions.find((condition) => condition.type === "Ready")?.status).toBe("True");

  // Definitions never go back: a revision of the older line beside it works with the newer ones.
  await reconcileUntilReady(older, { timeoutMs: 90_000 });
  const served = await pay.get({ ...definitions, name: "virtualservices.networking.istio.io" });
  expect(served?.metadata.annotations?.["pilothouse.io/istio-line"]).toBe("1.32");
  for (const request of [older, newer])
    await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
});

test("newer definitions that the tenant installed by hand stay as they are beside an older revision", async () => {
  await removeDefinitions();
  const newer = await describeRevision(mesh, "1.32", "skew-unmade");
  const file = join(newer.revision.version.charts.base, "files/crd-all.gen.yaml");
  await runCommands("pay", [`kubectl apply --server-side --field-manager=tenant -f ${file}`]);
  const isDefinition = (name: string): boolean => name.includes(" CustomResourceDefinition ");
  const before = (await listAllObjects(pay)).filter(isDefinition);
  expect(before.length).toBeGreaterThan(10);
  expect(JSON.stringify(await pay.list(definitions))).not.toContain("pilothouse.io/");

  const older = await describeRevision(mesh, "1.22", "skew-beside");
  const { conditions } = await reconcileUntilReady(older, { timeoutMs: 90_000 });
  expect(conditions.find((condition) => condition.type === "CustomResourcesServed")?.status).toBe("True");
  expect(compareObjects(before, (await listAllObjects(pay)).filter(isDefinition))).toEqual(noDifferences);
  // Nor does Pilothouse claim any part of them.
  expect(JSON.stringify(await pay.list(definitions))).not.toContain('"manager":"pilothouse"');
  await removeUntilDone({ ...older, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
});
