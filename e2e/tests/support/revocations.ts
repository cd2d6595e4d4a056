import { setTimeout as sleep } from "node:timers/promises";
import {
  createDeadline,
  createKubeClient,
  type KubeClient,
  type MeshCluster,
  proveRevision,
} from "@pilothouse/provisioner";
import { reconcileUntilReady, removeUntilDone } from "../../src/reconcile-loop.ts";
import { readAuditLog } from "./audit.ts";
import { adminClient, describeRevision } from "./mesh.ts";
import type { lines } from "./test-fleet.ts";

/** What a proof needs of a revision, with Pilothouse's own identity. */
function describeProof(
  mesh: MeshCluster,
  request: Awaited<ReturnType<typeof describeRevision>>,
): {
  meshClient: KubeClient;
  provider: { resolvers?: string[] };
  hostname: string;
} {
  const meshClient = createKubeClient(
    {
      server: mesh.server,
      ...(mesh.certificateAuthority === undefined ? {} : { certificateAuthority: mesh.certificateAuthority }),
      credential: { token: mesh.token.token },
    },
    { deadline: createDeadline(600_000) },
  );
  return { meshClient, provider: request.provider, hostname: `${request.revision.id}.${request.provider.domain}` };
}

/** Revokes the token of a revision's istiod, and says what became of it until the revision is Ready again. */
export async function revokeToken(mesh: MeshCluster, line: (typeof lines)[number]) {
  const revision = `revoked-${line.replace(".", "-")}`;
  const request = await describeRevision(mesh, line, revision);
  await reconcileUntilReady(request, { timeoutMs: 90_000 });
  const [shop, host] = await Promise.all([adminClient(mesh.id), adminClient(request.istiodCluster.name)]);
  const secret = await host.get({ apiVersion: "v1", kind: "Secret", name: "istio-kubeconfig", namespace: revision });
  const data = secret?.["data"];
  const token =
    typeof data === "object" && data !== null && "token" in data
      ? Buffer.from(String(data.token), "base64").toString("utf8")
      : "";
  const asIstiod = createKubeClient(
    {
      server: mesh.server,
      ...(mesh.certificateAuthority === undefined ? {} : { certificateAuthority: mesh.certificateAuthority }),
      credential: { token },
    },
    { deadline: createDeadline(120_000) },
  );
  const codeOf = (error: unknown): unknown => (error instanceof Error && "code" in error ? error.code : error);
  const attempt = (): Promise<unknown> =>
    asIstiod.list({ apiVersion: "v1", kind: "Namespace" }).then(() => "taken", codeOf);
  const answers = [await attempt()];

  await shop.delete({
    apiVersion: "v1",
    kind: "Secret",
    name: `istiod-${revision}-a-token`,
    namespace: "pilothouse-system",
  });
  const revokedMs = Date.now();
  while (answers.at(-1) !== "Unauthorized" && Date.now() < revokedMs + 15_000) {
    const answer = await attempt();
    if (answer !== answers.at(-1)) answers.push(answer);
    await sleep(200);
  }
  const refusedAfterMs = Date.now() - revokedMs;
  // istiod itself has to have a proxy's token reviewed for each certificate, and may no longer.
  const { meshClient, provider, hostname } = describeProof(mesh, request);
  const { proofs } = await proveRevision({
    meshClient,
    provider,
    revision: { id: revision, hostname },
    only: ["certificate"],
  });
  // The API server remembers a token it has checked for 10 s; what counts is what it answered, and when. Time enough for later answers:
  await sleep(Math.max(0, 15_000 - refusedAfterMs));
  const calls = await readAuditLog(
    mesh.id,
    (event) => event.user.endsWith(`:istiod-${revision}-a`) && event.status < 400,
  );

  // The next reconcile sees the missing Secret, and gives istiod a new token without restarting it. Until istiod has read that, nobody
  // is told that all is well.
  const listPodUids = async () =>
    (await host.list({ apiVersion: "v1", kind: "Pod" }, { namespace: revision })).map((pod) => pod.metadata.uid);
  const podsBefore = await listPodUids();
  const said: string[] = [];
  const ready = await reconcileUntilReady(request, {
    timeoutMs: 120_000,
    onLook: ({ conditions }) => {
      const { status = "", reason = "" } = conditions.find(({ type }) => type === "CredentialValid") ?? {};
      if (said.at(-1) !== `${status} ${reason}`) said.push(`${status} ${reason}`);
    },
  });
  const podsAfter = await listPodUids();
  await removeUntilDone({ ...request, giveUpAtMs: Date.now() + 60_000 }, { timeoutMs: 60_000 });
  return { answers, revokedMs, revokedProofs: proofs, calls, said, ready, podsBefore, podsAfter };
}
