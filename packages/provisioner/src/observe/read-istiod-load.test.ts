import { expect, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { createKubeClient } from "../kube/client.ts";
import { startTestCluster, type Intervention } from "../kube/test-cluster.ts";
import { readIstiodLoads } from "./read-istiod-load.ts";

const revision = "mesh-1-32-abcde";

function makePod(name: string, more: { ready?: boolean; ending?: boolean; app?: string } = {}) {
  const { ready = true, ending = false, app = "istiod" } = more;
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: revision,
      uid: `uid-${name}`,
      labels: { "app.kubernetes.io/name": app },
      ...(ending ? { deletionTimestamp: "2026-11-23T10:00:00Z" } : {}),
    },
    status: { phase: "Running", conditions: [{ type: "Ready", status: ready ? "True" : "False" }] },
  };
}

async function open(pods: ReturnType<typeof makePod>[], texts: Record<string, string>, intervene?: Intervention) {
  const cluster = await startTestCluster(intervene, texts);
  for (const pod of pods) cluster.put(pod);
  const client = createKubeClient(cluster.access, { deadline: createDeadline(10_000) });
  const read = async () => {
    try {
      return await readIstiodLoads(client, revision);
    } finally {
      await client.close();
    }
  };
  return { cluster, read };
}

const metricsOf = (name: string): string => `/api/v1/namespaces/${revision}/pods/${name}:15014/proxy/metrics`;

test("each running istiod is asked, and Pilothouse's own streams are not counted", async () => {
  const pods = [
    makePod("a"),
    makePod("b"),
    makePod("c", { ready: false }),
    makePod("d", { ending: true }),
    makePod("e", { app: "x" }),
  ];
  const { read, cluster } = await open(pods, {
    [metricsOf("a")]:
      'pilot_xds{version="1.32-dev"} 7\npilot_xds{version="1.31.2"} 2\npilot_xds{version="1.32-dev-pilothouse"} 3\nprocess_cpu_seconds_total 12.5\nprocess_resident_memory_bytes 1e+08\n',
    [metricsOf("b")]: "# nothing has come yet\n",
  });
  expect(await read()).toEqual([
    { pod: "uid-a", proxies: 9, cpuSeconds: 12.5, memoryBytes: 100_000_000 },
    { pod: "uid-b", proxies: 0, cpuSeconds: undefined, memoryBytes: undefined },
  ]);
  expect(cluster.seen.map(({ method }) => method)).toEqual(["GET", "GET", "GET"]);
});

test("where no istiod runs, nothing is said of proxies", async () => {
  const { read } = await open([makePod("c", { ready: false })], {});
  await expect(read()).rejects.toMatchObject({ code: "NoIstiod", kind: "notReady" });
});

test("a missing right is said as such", async () => {
  const { read } = await open([makePod("a")], {}, ({ url }) =>
    url.includes("/proxy/") ? { status: 403, message: 'cannot get resource "pods/proxy"' } : undefined,
  );
  await expect(read()).rejects.toThrow(/pods\/proxy/);
});
