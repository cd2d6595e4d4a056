import { createServer } from "node:https";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { listenOnLoopback } from "./test-edge.ts";
import type { TestAuthority } from "./test-mesh.ts";

const reviewShape = z.object({
  apiVersion: z.literal("admission.k8s.io/v1"),
  kind: z.literal("AdmissionReview"),
  request: z.object({
    uid: z.string(),
    operation: z.literal("CREATE"),
    dryRun: z.literal(true),
    namespace: z.literal("pilothouse-probe"),
    resource: z.object({ group: z.string(), version: z.string(), resource: z.string() }),
    object: z.looseObject({ kind: z.string(), metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }) }),
  }),
});

/** What a webhook is asked. */
export type TestReview = z.infer<typeof reviewShape>["request"];

/** The `response` of the review without its uid, an HTTP status, or undefined: never an answer. */
export type TestVerdict = (path: string, review: TestReview) => Record<string, unknown> | number | undefined;

/** An HTTPS server that answers AdmissionReviews as it is told; anything else fails the test's call with HTTP 400. */
export async function startWebhookServer(root: TestAuthority, hostname: string, judge: TestVerdict): Promise<number> {
  const { certificate, key } = await root.issueServer(hostname);
  const server = createServer({ cert: certificate, key }, (request, response) => {
    void text(request).then((body) => {
      const review = reviewShape.safeParse(JSON.parse(body));
      const verdict = review.success ? judge(request.url ?? "", review.data.request) : 400;
      if (verdict === undefined) return undefined;
      if (typeof verdict === "number") response.writeHead(verdict).end();
      else {
        response.setHeader("content-type", "application/json");
        const answer = { uid: review.data?.request.uid, ...verdict };
        response.end(JSON.stringify({ apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview", response: answer }));
      }
      return undefined;
    });
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return listenOnLoopback(server);
}

/** A container as istiod injects it. */
export function createSidecar(address: string, changes: Record<string, string> = {}) {
  const env = { PROXY_CONFIG: `{"discoveryAddress":"${address}"}\n`, CA_ADDR: address, ...changes };
  return { name: "istio-proxy", env: Object.entries(env).map(([name, value]) => ({ name, value })) };
}

/** istiod's answer for a pod: a patch that adds `sidecar` and the status annotation. */
export function createInjection(sidecar: object, revision: string, native: boolean): Record<string, unknown> {
  const patch = [
    native
      ? { op: "add", path: "/spec/initContainers", value: [sidecar] }
      : { op: "add", path: "/spec/containers/1", value: sidecar },
    { op: "add", path: "/metadata/annotations/sidecar.istio.io~1status", value: JSON.stringify({ revision }) },
  ];
  return { allowed: true, patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}
