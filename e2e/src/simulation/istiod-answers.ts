import type { IstiodSettings } from "./istiod.ts";
import { listAt, textAt, valueAt } from "./values.ts";

/** istiod's answer to an AdmissionReview; undefined for a path that it does not serve. */
export function answerWebhook(settings: IstiodSettings, path: string, review: unknown): unknown {
  const uid = textAt(review, "request", "uid");
  const object = valueAt(review, "request", "object");
  const answer = (response: object): unknown => ({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid, ...response },
  });
  if (path.startsWith("/inject")) return answer(inject(settings, object));
  if (!path.startsWith("/validate")) return undefined;
  const problem = findProblem(object);
  if (problem === undefined) return answer({ allowed: true });
  return answer({ allowed: false, status: { message: `configuration is invalid: ${problem}` } });
}

/** Of all that istiod checks, what is wrong with the one invalid object that is ever sent here. */
function findProblem(object: unknown): string | undefined {
  const weights = listAt(object, "spec", "http")
    .flatMap((http) => listAt(http, "route"))
    .map((route) => valueAt(route, "weight"));
  const wrong = weights.find((weight): weight is number => typeof weight === "number" && weight < 0);
  return wrong === undefined ? undefined : `weight ${wrong} < 0`;
}

function inject({ revision, discoveryAddress, caAddress }: IstiodSettings, pod: unknown): object {
  const sidecar = {
    name: "istio-proxy",
    image: "simulated.invalid/proxyv2",
    env: [
      { name: "PROXY_CONFIG", value: `${JSON.stringify({ discoveryAddress })}\n` },
      { name: "CA_ADDR", value: caAddress },
    ],
  };
  const hasAnnotations = valueAt(pod, "metadata", "annotations") !== undefined;
  const patch = [
    ...(hasAnnotations ? [] : [{ op: "add", path: "/metadata/annotations", value: {} }]),
    { op: "add", path: "/spec/containers/-", value: sidecar },
    { op: "add", path: "/metadata/annotations/sidecar.istio.io~1status", value: JSON.stringify({ revision }) },
  ];
  return { allowed: true, patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(patch)).toString("base64") };
}
