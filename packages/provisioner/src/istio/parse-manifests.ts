import { loadAll, YAMLException } from "js-yaml";
import { z } from "zod";
import { ProvisionerError } from "../errors.ts";
import type { KubeObject } from "../kube/types.ts";

const kubeObject = z.looseObject({
  apiVersion: z.string().min(1),
  kind: z.string().min(1),
  metadata: z.looseObject({ name: z.string().min(1) }),
});

/**
 * Reads the objects of a multi-document YAML stream, such as `helm template` prints. Documents with nothing but comments are left out.
 *
 * @param source Where the text comes from, for the error message.
 * @throws ProvisionerError `ManifestUnreadable` when a document is not YAML or not a Kubernetes object.
 */
export function parseManifests(text: string, source: string): KubeObject[] {
  return readDocuments(text, source)
    .filter((value) => value !== null && value !== undefined)
    .map((value, index) => {
      const parsed = kubeObject.safeParse(value);
      if (parsed.success) return parsed.data;
      const where = `document ${index + 1} of ${source}`;
      throw unreadable(where, "it has no apiVersion, kind and metadata.name, so it is no Kubernetes object");
    });
}

/** js-yaml reads Istio's megabyte of definitions in a fifth of the time that yaml takes. */
function readDocuments(text: string, source: string): unknown[] {
  try {
    return loadAll(text);
  } catch (error) {
    throw unreadable(source, error instanceof YAMLException ? (error.message.split("\n")[0] ?? "") : "no reason given");
  }
}

function unreadable(where: string, reason: string): ProvisionerError {
  return new ProvisionerError(
    "unknown",
    "ManifestUnreadable",
    `Can't read ${where}: ${reason}. Check that the chart reference names an Istio chart of the version it stands for.`,
  );
}
