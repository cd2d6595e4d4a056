import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { createKubeClient } from "../kube/client.ts";
import { respond, startTestServer } from "../kube/test-server.ts";
import { createTestAuthority } from "../kubeconfig/test-certificates.ts";
import type { IssuedCertificate, TestAuthority } from "../kubeconfig/test-certificates.ts";
import { readIstiodLoads } from "./read-istiod-load.ts";

const revision = "mesh-1-32-abcde";
let authority: TestAuthority;
let certificate: IssuedCertificate;

beforeAll(async () => {
  authority = await createTestAuthority("test");
  certificate = await authority.issue({ commonName: "server", ipAddresses: ["127.0.0.1"] });
});

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

/** An API server with these pods, which says of each path in `texts` what stands there, and refuses the others. */
async function open(pods: ReturnType<typeof makePod>[], texts: Record<string, string>) {
  const server = await startTestServer(certificate, ({ url }, response) => {
    const { pathname, searchParams } = new URL(url, "https://server.invalid");
    const text = texts[pathname];
    if (pathname === `/api/v1/namespaces/${revision}/pods`) {
      const app = searchParams.get("labelSelector")?.split("=")[1];
      const items = pods.filter(({ metadata }) => metadata.labels["app.kubernetes.io/name"] === app);
      respond(response, 200, { apiVersion: "v1", kind: "PodList", metadata: {}, items });
    } else if (text === undefined) {
      respond(response, 403, { kind: "Status", message: 'cannot get resource "pods/proxy"' });
    } else {
      response.writeHead(200, { "content-type": "text/plain" });
      response.end(text);
    }
  });
  const client = createKubeClient(
    { server: server.url, certificateAuthority: authority.certificate, credential: { token: "of-this-test" } },
    { deadline: createDeadline(10_000) },
  );
  onTestFinished(() => client.close());
  return { seen: server.seen, read: () => readIstiodLoads(client, revision) };
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
  const { read, seen } = await open(pods, {
    [metricsOf("a")]:
      'pilot_xds{version="1.32-dev"} 7\npilot_xds{version="1.31.2"} 2\npilot_xds{version="1.32-dev-pilothouse"} 3\nprocess_cpu_seconds_total 12.5\nprocess_resident_memory_bytes 1e+08\n',
    [metricsOf("b")]: "# nothing has come yet\n",
  });
  expect(await read()).toEqual([
    { pod: "uid-a", proxies: 9, cpuSeconds: 12.5, memoryBytes: 100_000_000 },
    { pod: "uid-b", proxies: 0, cpuSeconds: undefined, memoryBytes: undefined },
  ]);
  expect(seen.filter(({ url }) => url.includes("/proxy/")).map(({ method }) => method)).toEqual(["GET", "GET"]);
});

test("where no istiod runs, nothing is said of proxies", async () => {
  const { read } = await open([makePod("c", { ready: false })], {});
  await expect(read()).rejects.toMatchObject({ code: "NoIstiod", kind: "notReady" });
});

test("a missing right is said as such", async () => {
  const { read } = await open([makePod("a")], {});
  await expect(read()).rejects.toThrow(/pods\/proxy/);
});
