import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { createDeadline } from "../../deadline.ts";
import { createKubeClient } from "../../kube/client.ts";
import type { KubeClient } from "../../kube/types.ts";
import { listenOnLoopback } from "./test-edge.ts";
import { createTestRoot } from "./test-mesh.ts";

/** A request as the API server sees it: its body parsed. */
export interface TestCall {
  method: string;
  /** Without query. */
  path: string;
  query: URLSearchParams;
  body: unknown;
}

/** A status with a body; undefined: never an answer. */
export type TestAnswer = (call: TestCall) => { status?: number; body: unknown } | undefined;

const resourceLists: Record<string, object[]> = {
  "/api/v1": [
    { name: "pods", kind: "Pod", namespaced: true },
    { name: "configmaps", kind: "ConfigMap", namespaced: true },
  ],
  "/apis/networking.istio.io/v1beta1": [{ name: "virtualservices", kind: "VirtualService", namespaced: true }],
  "/apis/admissionregistration.k8s.io/v1": [
    { name: "validatingwebhookconfigurations", kind: "ValidatingWebhookConfiguration", namespaced: false },
    { name: "mutatingwebhookconfigurations", kind: "MutatingWebhookConfiguration", namespaced: false },
  ],
};

/** A server with as much of the Kubernetes API as a test gives it, and a client for it. */
export async function startApiServer(
  answer: TestAnswer,
  options: { withoutIstio?: boolean } = {},
): Promise<{ client: KubeClient; calls: TestCall[] }> {
  const authority = await createTestRoot("api");
  const { certificate, key } = await authority.issueServer("kubernetes");
  const calls: TestCall[] = [];
  const server = createServer({ cert: certificate, key }, (request, response) => {
    const url = new URL(request.url ?? "/", "https://kubernetes");
    void text(request).then((sent) => {
      const body: unknown = sent === "" ? undefined : JSON.parse(sent);
      const call = { method: request.method ?? "", path: url.pathname, query: url.searchParams, body };
      const hidden = options.withoutIstio === true && url.pathname.startsWith("/apis/networking.istio.io");
      const resources = hidden ? undefined : resourceLists[url.pathname];
      if (resources === undefined) calls.push(call);
      const served = resources === undefined ? answer(call) : { body: { resources } };
      const answered = hidden ? refuse(404, "404 page not found") : served;
      if (answered === undefined) return undefined;
      response.writeHead(answered.status ?? 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answered.body));
      return undefined;
    });
  });
  const port = await listenOnLoopback(server);
  const client = createKubeClient(
    {
      server: `https://127.0.0.1:${port}`,
      certificateAuthority: authority.certificate,
      tlsServerName: "kubernetes",
      credential: { token: "token-of-the-test" },
    },
    { deadline: createDeadline(30_000) },
  );
  onTestFinished(async () => {
    await client.close();
    server.closeAllConnections();
    server.close();
  });
  return { client, calls };
}

/** The API server's refusal: a Status object with its message. */
export function refuse(status: number, message: string): { status: number; body: unknown } {
  return { status, body: { kind: "Status", apiVersion: "v1", status: "Failure", code: status, message } };
}
