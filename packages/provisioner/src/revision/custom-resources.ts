import { createHash } from "node:crypto";
import { z } from "zod";
import { renderCrds } from "../istio/render-crds.ts";
import type { KubeObject } from "../kube/types.ts";
import type { IstioVersion } from "../types.ts";
import type { PhaseResult, RevisionScope } from "./scope.ts";
import { helmSettings } from "../istio/helm-template.ts";

const type = "CustomResourcesServed";
const lineAnnotation = "pilothouse.io/istio-line";
const versionAnnotation = "pilothouse.io/istio-version";
const hashAnnotation = "pilothouse.io/content-hash";
const kind = { apiVersion: "apiextensions.k8s.io/v1", kind: "CustomResourceDefinition" };

const DefinitionSchema = z.looseObject({
  spec: z.looseObject({
    group: z.string(),
    names: z.looseObject({ plural: z.string() }),
    versions: z.array(z.looseObject({ name: z.string(), served: z.boolean() })),
  }),
  // Null right after a definition was made.
  status: z
    .looseObject({ conditions: z.array(z.looseObject({ type: z.string(), status: z.string() })).nullish() })
    .nullish(),
});

/** What matters of a definition that the mesh cluster has. */
interface FoundDefinition {
  annotations: Record<string, string>;
  served: string[];
  isEstablished: boolean;
}

const servedVersions = (definition: KubeObject): string[] =>
  DefinitionSchema.parse(definition)
    .spec.versions.filter((version) => version.served)
    .map((version) => version.name);

function summarizeDefinition(definition: KubeObject): FoundDefinition {
  const { status } = DefinitionSchema.parse(definition);
  return {
    annotations: definition.metadata.annotations ?? {},
    served: servedVersions(definition),
    isEstablished:
      status?.conditions?.some((condition) => condition.type === "Established" && condition.status === "True") ?? false,
  };
}

/**
 * The definitions of these names that the mesh cluster has. All together are a megabyte of JSON, several in memory: no more is kept than matters.
 */
async function readDefinitions(
  { meshClient }: RevisionScope,
  names: ReadonlySet<string>,
): Promise<Map<string, FoundDefinition>> {
  const all = await meshClient.list(kind);
  return new Map(
    all
      .filter(({ metadata }) => names.has(metadata.name))
      .map((definition) => [definition.metadata.name, summarizeDefinition(definition)]),
  );
}

/**
 * Whether all definitions are there as they are wanted, by what costs little to read: their marks, and what the server says that it
 * serves, which are established ones alone. What is wrong, if it is not so, a full reading tells.
 */
async function areServedAsMarked(
  { meshClient }: RevisionScope,
  wanted: KubeObject[],
  marked: KubeObject[],
): Promise<boolean> {
  const [all, served] = await Promise.all([meshClient.listMetadata(kind), meshClient.listServed()]);
  if (
    served === undefined ||
    !wanted.flatMap((definition) => readFacts(definition).paths).every((path) => served.has(path))
  )
    return false;
  const annotations = new Map(all.map(({ metadata }) => [metadata.name, metadata.annotations ?? {}]));
  return marked.every((definition) => {
    const found = annotations.get(definition.metadata.name);
    return found !== undefined && !isBehind(definition, found);
  });
}

/** What of the wanted definitions the mesh cluster does not serve, as `name version`. */
function listMissing(wanted: KubeObject[], present: Map<string, FoundDefinition>): string[] {
  return wanted.flatMap((definition) => {
    const served = present.get(definition.metadata.name)?.served ?? [];
    return servedVersions(definition)
      .filter((version) => !served.includes(version))
      .map((version) => `${definition.metadata.name} ${version}`);
  });
}

interface DefinitionFacts {
  hash: string;
  /** `<group>/<version>/<resource>` of each version that it has served. */
  paths: string[];
}

/** Of rendered definitions, which are kept: a megabyte of JSON is read and hashed once, not with every look. */
const facts = new WeakMap<KubeObject, DefinitionFacts>();

function readFacts(definition: KubeObject): DefinitionFacts {
  const known = facts.get(definition);
  if (known !== undefined) return known;
  const { group, names } = DefinitionSchema.parse(definition).spec;
  const read = {
    hash: createHash("sha256").update(JSON.stringify(definition)).digest("hex").slice(0, 16),
    paths: servedVersions(definition).map((version) => `${group}/${version}/${names.plural}`),
  };
  facts.set(definition, read);
  return read;
}

/** A definition with the marks by which a later run knows whether it has to be applied again. */
function markDefinition(definition: KubeObject, { line, version }: IstioVersion): KubeObject {
  const { hash } = readFacts(definition);
  return {
    ...definition,
    metadata: {
      ...definition.metadata,
      annotations: {
        ...definition.metadata.annotations,
        [lineAnnotation]: line,
        [versionAnnotation]: version,
        [hashAnnotation]: hash,
      },
    },
  };
}

/**
 * Whether somebody else installed definitions of a newer line than the wanted ones: theirs carry no mark, and serve versions that
 * the wanted ones do not know.
 */
function areForeignNewer(wanted: KubeObject[], present: Map<string, FoundDefinition>): boolean {
  return wanted.some((definition) => {
    const found = present.get(definition.metadata.name);
    if (found === undefined || isMarked(found)) return false;
    const known = new Set(DefinitionSchema.parse(definition).spec.versions.map((version) => version.name));
    return found.served.some((version) => !known.has(version));
  });
}

const isMarked = ({ annotations }: FoundDefinition): boolean => annotations[lineAnnotation] !== undefined;

/** Minor and patch of a version such as `1.32.3` or `1.32-dev`; a version without a patch comes before all of its line. */
function readVersion(version: string): [number, number] {
  const [, minor = "0", patch = "-1"] = /^1\.(\d+)(?:\.(\d+))?/.exec(version) ?? [];
  return [Number(minor), Number(patch)];
}

/** Whether the first version is newer than the second. */
function isNewer(version: string, other: string): boolean {
  const [minor, patch] = readVersion(version);
  const [otherMinor, otherPatch] = readVersion(other);
  return minor === otherMinor ? patch > otherPatch : minor > otherMinor;
}

/** Whether the marks of a definition that is there are those of an older version, or of other content of the same. */
function isBehind(wanted: KubeObject, found: Record<string, string>): boolean {
  const mark = wanted.metadata.annotations ?? {};
  if (isNewer(found[versionAnnotation] ?? found[lineAnnotation] ?? "", mark[versionAnnotation] ?? "")) return false;
  return found[hashAnnotation] !== mark[hashAnnotation];
}

/** Whether a definition has to be applied: it is absent, behind, or does not serve what its marks say. */
function isDue(wanted: KubeObject, present: FoundDefinition | undefined): boolean {
  if (present === undefined || isBehind(wanted, present.annotations)) return true;
  const mark = wanted.metadata.annotations ?? {};
  const isOwn = present.annotations[hashAnnotation] === mark[hashAnnotation];
  return isOwn && listMissing([wanted], new Map([[wanted.metadata.name, present]])).length > 0;
}

/** A line's definitions serve all that an older line needs, and never the other way round. */
function describeMissing(scope: RevisionScope, missing: string[]): string {
  const { version } = scope.revision;
  const shown = missing.slice(0, 4).join(", ");
  const more = missing.length > 4 ? ` and ${missing.length - 4} more` : "";
  return (
    `The mesh cluster's CustomResourceDefinitions are older than istiod ${version.version}, which waits for what they do not serve: ${shown}${more}. ` +
    `istiod of line ${version.line} never becomes ready with them. Apply the definitions of ${version.line} (they serve older lines as well).`
  );
}

/**
 * Brings Istio's CustomResourceDefinitions to the revision's line before its istiod starts. They are shared by all revisions of the
 * mesh cluster, so they only ever go forward: definitions of a newer line stay. They are never removed with a revision.
 */
export async function ensureCustomResources(scope: RevisionScope): Promise<PhaseResult> {
  const { meshClient, provider, revision, signal } = scope;
  const wanted = await renderCrds(revision.version, { ...helmSettings(provider), signal });
  const names = new Set(wanted.map((definition) => definition.metadata.name));
  const marked = wanted.map((definition) => markDefinition(definition, revision.version));
  const message = `The mesh cluster serves all that istiod ${revision.version.version} reads.`;
  const isServed: PhaseResult = { condition: { type, status: "True", reason: "Served", message } };
  if (await areServedAsMarked(scope, wanted, marked)) {
    if (revision.customResources !== "leave") scope.step("customResourcesApplied");
    return isServed;
  }
  let present = await readDefinitions(scope, names);
  if (revision.customResources !== "leave") {
    const keepsForeign = areForeignNewer(wanted, present);
    const due = marked.filter((definition) => {
      const found = present.get(definition.metadata.name);
      return isDue(definition, found) && !(keepsForeign && found !== undefined && !isMarked(found));
    });
    await Promise.all(due.map((definition) => meshClient.apply(definition)));
    if (due.length > 0) present = await readDefinitions(scope, names);
    scope.step("customResourcesApplied");
  }
  const missing = listMissing(wanted, present);
  if (missing.length > 0) {
    return {
      condition: { type, status: "False", reason: "DefinitionsTooOld", message: describeMissing(scope, missing) },
      requeueAfterMs: 10_000,
    };
  }
  if (![...present.values()].every(({ isEstablished }) => isEstablished)) {
    return {
      condition: {
        type,
        status: "False",
        reason: "NotEstablished",
        message: "The mesh cluster is taking up Istio's CustomResourceDefinitions.",
      },
      requeueAfterMs: 100,
      blocks: true,
    };
  }
  return isServed;
}
