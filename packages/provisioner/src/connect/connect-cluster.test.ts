import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { startTestCluster } from "../kube/test-cluster.ts";
import type { TestCluster } from "../kube/test-cluster.ts";
import type { SeenRequest } from "../kube/test-server.ts";
import { labelsForCluster } from "../labels.ts";
import { connectCluster } from "./connect-cluster.ts";
import type { ConnectRequest } from "./connect-cluster.ts";
import { renewClusterToken } from "./renew-cluster-token.ts";

/** Prints what connecting reads of Istio's charts. */
const charts = `#!/bin/sh
cat > /dev/null
cat <<'END'
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gateways.networking.istio.io}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: istiod-clusterrole-a}
rules: [{apiGroups: [""], resources: [pods], verbs: [get, list, watch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: istiod}
rules: [{apiGroups: [""], resources: [secrets], verbs: [create, get]}]
END
`;

async function describeConnection(cluster: TestCluster): Promise<Omit<ConnectRequest, "deadline">> {
  const folder = await mkdtemp(join(tmpdir(), "pilothouse-test-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const helm = join(folder, "charts");
  await writeFile(helm, charts, { mode: 0o755 });
  cluster.put({ apiVersion: "v1", kind: "Namespace", metadata: { name: "kube-system", uid: "cluster" } });
  const { server, certificateAuthority = "" } = cluster.access;
  const authority = Buffer.from(certificateAuthority).toString("base64");
  const kubeconfig = JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster: { server, "certificate-authority-data": authority } }],
    users: [{ name: "u", user: { token: "administrator" } }],
    contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
    "current-context": "c",
  });
  const version = {
    version: "1.32-dev",
    line: "1.32",
    charts: { base: `${folder}/base`, istiod: `${folder}/istiod` },
    image: { hub: "hub.test", tag: "tag", pullPolicy: "Never" as const },
  };
  const provider = { domain: "mesh.test", allowedApiServerRanges: ["127.0.0.0/8"], helm };
  return { id: "shop", kubeconfig, provider, versions: [version] };
}

const connect = (request: Omit<ConnectRequest, "deadline">) =>
  connectCluster({ ...request, deadline: createDeadline(8_000) });

const writes = ({ method, url }: SeenRequest): boolean =>
  method !== "GET" && !url.includes("dryRun") && !/selfsubject\w*reviews/.test(url);

test("a token's lifetime that no API server grants is refused before anything is made", async () => {
  const cluster = await startTestCluster();
  const request = await describeConnection(cluster);
  const connecting = connect({ ...request, tokenLifetimeSeconds: 599 });
  await expect(connecting).rejects.toMatchObject({ kind: "user", code: "TokenLifetimeTooShort" });
  expect(cluster.seen.filter(writes)).toEqual([]);
});

/** Admission can't judge what is in a namespace before that exists. */
const refuseAccounts = ({ method, url }: SeenRequest) =>
  method === "PATCH" && url.includes("/serviceaccounts/") ? { status: 403, message: "not by our policy" } : undefined;

test("what a first connection had installed when it was refused goes again, but for istio-system", async () => {
  const cluster = await startTestCluster(refuseAccounts);
  const error: unknown = await connect(await describeConnection(cluster)).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ kind: "user", code: "Forbidden" });
  expect(String(error)).toMatch(/not by our policy.*removed again.*kubectl delete namespace istio-system/);
  expect(cluster.list()).toEqual(["Namespace istio-system", "Namespace kube-system"]);
});

test("a connection that was there before is not removed when it is to be renewed and that is refused", async () => {
  let isStrict = false;
  const cluster = await startTestCluster((seen) => (isStrict ? refuseAccounts(seen) : undefined));
  const request = await describeConnection(cluster);
  await connect(request);
  const before = cluster.list();
  isStrict = true;
  await expect(connect(request)).rejects.toMatchObject({ kind: "user", code: "Forbidden" });
  expect(cluster.list()).toEqual(before);
});

test("what passes by itself leaves the connection for the next call to go on with", async () => {
  const cluster = await startTestCluster(({ method, url }) =>
    method === "PATCH" && url.includes("/serviceaccounts/") ? { status: 503, message: "busy" } : undefined,
  );
  await expect(connect(await describeConnection(cluster))).rejects.toMatchObject({ kind: "transient" });
  expect(cluster.list()).toContain("ClusterRole pilothouse-anchor");
});

test("connecting again revokes the token of before: its Secret is another one", async () => {
  const cluster = await startTestCluster();
  const request = await describeConnection(cluster);
  const first = await connect(request);
  const second = await connect(request);
  expect(second.cluster.token.secretUid).not.toBe(first.cluster.token.secretUid);
  const secrets = cluster.list().filter((name) => name.startsWith("Secret "));
  expect(secrets).toEqual([`Secret pilothouse-system/${second.cluster.token.secretName}`]);
  expect(cluster.find("Secret", second.cluster.token.secretName)?.metadata.uid).toBe(second.cluster.token.secretUid);
});

test.for([
  { ageMs: 10_000, stays: true, what: "may be of a connection that is just being stored, and stays" },
  { ageMs: 10 * 60_000, stays: false, what: "that nobody stored in minutes is revoked" },
  { ageMs: 40 * 60_000, stays: false, what: "older than the token itself is revoked" },
])("when no renewal is due, a second Secret $what", async ({ ageMs, stays }) => {
  const cluster = await startTestCluster();
  const request = await describeConnection(cluster);
  const { cluster: mesh } = await connect(request);
  const issuedAt = new Date(Date.now() - 30 * 60_000).toISOString();
  const name = mesh.token.secretName.replace(/-a$/, "-b");
  const creationTimestamp = new Date(Date.now() - ageMs).toISOString();
  const spare = { name, namespace: mesh.token.namespace, creationTimestamp };
  cluster.put({ apiVersion: "v1", kind: "Secret", metadata: spare });
  const { renewed } = await renewClusterToken({
    cluster: { ...mesh, token: { ...mesh.token, issuedAt } },
    provider: request.provider,
    deadline: createDeadline(5_000),
    saveCluster: () => Promise.resolve(),
  });
  expect(renewed).toBe(false);
  expect(cluster.find("Secret", name) !== undefined).toBe(stays);
});

test("a renewal that is due beside such a Secret binds its token to it, so that both tokens work", async () => {
  const cluster = await startTestCluster();
  const request = await describeConnection(cluster);
  const { cluster: mesh } = await connect(request);
  const name = mesh.token.secretName.replace(/-a$/, "-b");
  const labels = labelsForCluster(mesh.id);
  const metadata = { name, namespace: mesh.token.namespace, uid: "just-made", labels };
  cluster.put({ apiVersion: "v1", kind: "Secret", metadata });
  const token = {
    ...mesh.token,
    issuedAt: new Date(Date.now() - 50 * 60_000).toISOString(),
    expiresAt: new Date(Date.now() + 10 * 60_000).toISOString(),
  };
  const { cluster: renewed } = await renewClusterToken({
    cluster: { ...mesh, token },
    provider: request.provider,
    deadline: createDeadline(5_000),
    saveCluster: () => Promise.resolve(),
  });
  expect(renewed.token).toMatchObject({ secretName: name, secretUid: "just-made" });
  expect(cluster.list().filter((object) => object.startsWith("Secret "))).toEqual([`Secret pilothouse-system/${name}`]);
});
