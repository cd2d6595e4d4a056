import { prepareGround, readRoots } from "./prepare-ground.ts";
import { proveHandshake } from "./prove-handshake.ts";
import { proveInjectionAnswer, proveValidationAnswer } from "./prove-webhook-answers.ts";
import { proveWorkload } from "./prove-workload.ts";
import { runProof } from "./run-proof.ts";
import { defaultPorts, defaultTimeoutMs, type EndpointProofName, type Proof, type ProofRequest } from "./types.ts";

const all: readonly EndpointProofName[] = [
  "webhookHandshake",
  "discoveryHandshake",
  "validationAnswer",
  "injectionAnswer",
  "certificate",
  "discovery",
];

/** Paths of the webhooks' URLs. istiod serves everything below them too: `/inject/cluster/NAME/net/NAME` sets variables. */
export interface WebhookPaths {
  inject?: string;
  validate?: string;
}

/**
 * Proves, through the public edge, an istiod that no webhook points to yet, so that installing its webhooks can stop no pod and
 * no change: every address of its name completes TLS handshakes on both ports, its validator and its injector answer rightly
 * when asked as an API server will ask them, a workload gets a certificate, and a proxy gets its configuration. A failed proof
 * that is `waitable` is expected to pass by itself.
 *
 * @param request.only a subset; all six when absent
 * @param request.webhookPaths `/inject` and `/validate` when absent
 * @returns the proofs in the order above, never throwing for a failed one, and the mesh's root certificates (PEM,
 *   one each) where they are known
 */
export async function proveEndpoint(
  request: ProofRequest & { only?: readonly EndpointProofName[]; webhookPaths?: WebhookPaths },
): Promise<{ proofs: Proof<EndpointProofName>[]; rootCertificates: string[] }> {
  const { revision, ports, signal, timeoutMs = defaultTimeoutMs, webhookPaths } = request;
  const wanted = new Set(request.only ?? all);
  const limits = { timeoutMs, signal };
  const ground = prepareGround(request);
  const expected = { revisionId: revision.id, address: `${revision.hostname}:${ports?.xds ?? defaultPorts.xds}` };
  const [direct, workload, rootCertificates] = await Promise.all([
    Promise.all([
      wanted.has("webhookHandshake") &&
        runProof("webhookHandshake", limits, async (limited) => proveHandshake((await ground).webhook, limited)),
      wanted.has("discoveryHandshake") &&
        runProof("discoveryHandshake", limits, async (limited) =>
          proveHandshake({ ...(await ground).xds, protocol: "h2" }, limited),
        ),
      wanted.has("validationAnswer") &&
        runProof("validationAnswer", limits, async (limited) => {
          const target = { endpoint: (await ground).webhook, path: webhookPaths?.validate ?? "/validate" };
          return proveValidationAnswer(target, revision.id, limited);
        }),
      wanted.has("injectionAnswer") &&
        runProof("injectionAnswer", limits, async (limited) => {
          const target = { endpoint: (await ground).webhook, path: webhookPaths?.inject ?? "/inject" };
          return proveInjectionAnswer(target, expected, limited);
        }),
    ]),
    proveWorkload(request, ground, { certificate: wanted.has("certificate"), discovery: wanted.has("discovery") }),
    readRoots(ground),
  ]);
  const proofs = [...direct.filter((proof) => proof !== false), ...workload];
  return { proofs, rootCertificates };
}
