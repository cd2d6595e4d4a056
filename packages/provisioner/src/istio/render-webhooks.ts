import { z } from "zod";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";
import type { ProviderConfig, Revision } from "../types.ts";
import { buildInjectorName, buildValidatorName, publicWebhookPort } from "./chart-values.ts";
import { buildHostname, buildRevisionLabels, type MeshFacts } from "./names.ts";

/**
 * A webhook configuration of a revision, in its two forms. istiod owns two fields of it: `caBundle` of each webhook, and `failurePolicy` of the
 * validator, which it turns from `Ignore` to `Fail` once it has seen an invalid object refused. It finds the configuration by the label
 * `istio.io/rev`, and the injector's webhooks by the end of their names.
 */
export interface WebhookConfiguration {
  name: string;
  /**
   * For the first write, by POST: a server-side apply would own these fields, and the next one without them would remove them.
   *
   * @param caBundle PEM of the mesh's root certificate: with it the API server trusts istiod from the first call on.
   */
  forCreate(caBundle: string): KubeObject;
  /**
   * For server-side apply ever after: says nothing about the fields istiod owns, and always which namespaces are meant. What was
   * written otherwise than by an apply stays until an apply says something else.
   */
  forApply(): KubeObject;
}

export interface MeshWebhooks {
  mutating: WebhookConfiguration;
  validating: WebhookConfiguration;
}

const labelSelector = z.looseObject({
  matchExpressions: z
    .array(z.looseObject({ key: z.string(), operator: z.string(), values: z.array(z.string()).optional() }))
    .optional(),
});
const webhooksOfChart = z
  .array(
    z.looseObject({
      name: z.string(),
      clientConfig: z.looseObject({}),
      failurePolicy: z.enum(["Fail", "Ignore"]).optional(),
      namespaceSelector: labelSelector.optional(),
      objectSelector: labelSelector.optional(),
    }),
  )
  .min(1);
type ChartWebhook = z.infer<typeof webhooksOfChart>[number];

/**
 * Builds the webhooks of a revision for its mesh cluster from the chart's. Each calls the revision's public name on 443 by `url`, so
 * that no Service has to stand for it. Only what selects this revision is taken; webhooks for `istio-injection=enabled` or for
 * resources without a revision belong to a default revision, which Pilothouse does not make.
 *
 * @param excludedNamespaces Namespaces in which no pod is injected, whatever its labels: Pilothouse's own, whose pods must start when
 *   istiod does not answer.
 */
export function buildWebhooks(
  objects: KubeObject[],
  revision: Revision,
  provider: Pick<ProviderConfig, "domain">,
  mesh: MeshFacts,
  excludedNamespaces: string[],
): MeshWebhooks {
  const base = `https://${buildHostname(revision, provider)}:${publicWebhookPort}`;
  const mutating = readWebhooks(objects, revision, "MutatingWebhookConfiguration", buildInjectorName(revision.id)).map(
    (webhook) => ({
      ...webhook,
      clientConfig: { url: `${base}/inject` },
      ...(excludedNamespaces.length === 0 ? {} : { namespaceSelector: excludeNamespaces(webhook, excludedNamespaces) }),
    }),
  );
  const validating = readWebhooks(
    objects,
    revision,
    "ValidatingWebhookConfiguration",
    buildValidatorName(revision.id),
  ).map((webhook) => ({
    ...webhook,
    clientConfig: { url: `${base}/validate` },
  }));
  const labels = { ...buildRevisionLabels(revision, mesh), "istio.io/rev": revision.id };
  return {
    mutating: buildConfiguration("MutatingWebhookConfiguration", buildInjectorName(revision.id), labels, mutating, {}),
    validating: buildConfiguration(
      "ValidatingWebhookConfiguration",
      buildValidatorName(revision.id),
      labels,
      validating,
      {
        failurePolicy: "Ignore",
      },
    ),
  };
}

function buildConfiguration(
  kind: string,
  name: string,
  labels: Record<string, string>,
  webhooks: ChartWebhook[],
  ownedByIstiod: { failurePolicy?: "Ignore" },
): WebhookConfiguration {
  const build = (entries: unknown[]): KubeObject => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name, labels: { ...labels } },
    webhooks: entries,
  });
  return {
    name,
    forCreate: (caBundle) =>
      build(
        webhooks.map((webhook) => ({
          ...webhook,
          ...ownedByIstiod,
          clientConfig: { ...webhook.clientConfig, caBundle: Buffer.from(caBundle, "utf8").toString("base64") },
        })),
      ),
    forApply: () =>
      build(
        webhooks.map((chartWebhook) => {
          const webhook = {
            ...chartWebhook,
            namespaceSelector: { matchExpressions: [], ...chartWebhook.namespaceSelector },
          };
          if (ownedByIstiod.failurePolicy === undefined) return webhook;
          const { failurePolicy: _failurePolicy, ...rest } = webhook;
          return rest;
        }),
      ),
  };
}

function readWebhooks(objects: KubeObject[], revision: Revision, kind: string, name: string): ChartWebhook[] {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  const webhooks = webhooksOfChart.safeParse(found?.["webhooks"]);
  const own = webhooks.success ? webhooks.data.filter((webhook) => selectsRevision(webhook, revision.id)) : [];
  if (own.length > 0) return own;
  throw new ProvisionerError(
    "unknown",
    "ChartUnknown",
    `The chart ${revision.version.charts.istiod} renders no ${kind} "${name}" that selects the revision. Check that it is the istiod chart of Istio ${revision.version.version}.`,
    { parameter: "version.charts.istiod" },
  );
}

function selectsRevision(webhook: ChartWebhook, revisionId: string): boolean {
  return [webhook.namespaceSelector, webhook.objectSelector].some((selector) =>
    selector?.matchExpressions?.some(
      ({ key, operator, values }) =>
        key === "istio.io/rev" && operator === "In" && values?.length === 1 && values[0] === revisionId,
    ),
  );
}

function excludeNamespaces(webhook: ChartWebhook, names: string[]): z.infer<typeof labelSelector> {
  return {
    ...webhook.namespaceSelector,
    matchExpressions: [
      ...(webhook.namespaceSelector?.matchExpressions ?? []),
      { key: "kubernetes.io/metadata.name", operator: "NotIn", values: names },
    ],
  };
}
