import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { outputNames } from "./outputs.ts";
import { describeError, PartError } from "./part-error.ts";

const NameSchema = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, "must be lower-case letters, digits, dots and hyphens");
const Sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hexadecimal digits");
const VersionSchema = z.string().regex(/^[0-9A-Za-z.+~-]+$/, "must be an exact version");
/** A path below the part's own folder. */
const RelativePathSchema = z
  .string()
  .regex(/^[\w.+@/-]+$/, "must be a plain path")
  .refine(
    (path) => !path.startsWith("/") && !path.split("/").includes(".."),
    "must be below the folder it is relative to",
  );

const GoSourceSchema = z.strictObject({
  kind: z.literal("go"),
  toolchain: NameSchema,
  package: z.string().min(1),
  stamps: z.record(z.string(), z.string().regex(/^\S+$/, "must hold no spaces")).default({}),
});
const GoFilesSourceSchema = z.strictObject({
  kind: z.literal("go-files"),
  toolchain: NameSchema,
  module: z.string().min(1),
  files: z.record(RelativePathSchema, RelativePathSchema),
});
const AptSourceSchema = z.strictObject({
  kind: z.literal("apt"),
  packages: z.record(NameSchema, z.string().regex(/^[0-9A-Za-z.+~:-]+$/, "must be an exact Debian version")),
  links: z.record(RelativePathSchema, RelativePathSchema).default({}),
});
const PypiSourceSchema = z.strictObject({
  kind: z.literal("pypi"),
  package: z.string().min(1),
  version: VersionSchema,
  file: z.string().endsWith(".whl"),
  sha256: Sha256Schema,
});
const NpmSourceSchema = z.strictObject({
  kind: z.literal("npm"),
  package: z.string().min(1),
  version: VersionSchema,
  integrity: z.string().regex(/^sha512-[A-Za-z0-9+/]+=*$/, "must be a sha512 integrity value"),
});

const SourceSchema = z.discriminatedUnion(
  "kind",
  [GoSourceSchema, GoFilesSourceSchema, AptSourceSchema, PypiSourceSchema, NpmSourceSchema],
  {
    error: (issue) =>
      issue.code === "invalid_union"
        ? "kind is not one that can be got: go, go-files, apt, pypi or npm. Official downloads are not built yet; the head of parts.yaml says where they would go"
        : undefined,
  },
);

const PartSchema = z
  .strictObject({
    name: NameSchema,
    version: VersionSchema,
    licence: z.string().min(1),
    stage: z.int().min(1),
    source: SourceSchema,
    outputs: z.partialRecord(z.enum(outputNames), RelativePathSchema),
    /** Folders of programs that others look for on the PATH. */
    binFolders: z.array(RelativePathSchema).default([]),
    libraryFolders: z.array(RelativePathSchema).default([]),
    /** Environment variables that hold a path of this part. */
    variables: z.record(z.string().regex(/^[A-Z][A-Z0-9_]*$/), RelativePathSchema).default({}),
  })
  .refine((part) => part.source.kind !== "go" || Object.keys(part.outputs).length === 1, {
    path: ["outputs"],
    message: "must be exactly one for a Go program",
  })
  .refine((part) => Object.keys(part.outputs).length > 0, { path: ["outputs"], message: "must name at least one" });

const ManifestSchema = z
  .strictObject({
    platform: z.literal("linux/amd64"),
    go: z.strictObject({
      minimum: z.string().regex(/^\d+\.\d+\.\d+$/, "must be a version such as 1.26.0"),
      wheel: PypiSourceSchema.omit({ kind: true }),
    }),
    parts: z.array(PartSchema),
  })
  .superRefine((manifest, context) => {
    const complain = (message: string): void => context.addIssue({ code: "custom", path: ["parts"], message });
    for (const name of listRepeated(manifest.parts.map((part) => part.name))) complain(`${name} is there twice`);
    const outputs = manifest.parts.flatMap((part) => Object.keys(part.outputs));
    for (const name of listRepeated(outputs)) complain(`the output ${name} is there twice`);
    for (const name of outputNames.filter((wanted) => !outputs.includes(wanted)))
      complain(`no part has the output ${name}`);
  });

const listRepeated = (names: string[]): string[] => names.filter((name, index) => names.indexOf(name) !== index);

export type Part = z.infer<typeof PartSchema>;
export type PartSource = Part["source"];
export type PartSourceOf<Kind extends PartSource["kind"]> = Extract<PartSource, { kind: Kind }>;
/** Which parts a fleet has, and which Go compiles them. */
export type Manifest = z.infer<typeof ManifestSchema>;

/** The manifest that comes with this package. */
export const manifestFile = fileURLToPath(new URL("../../parts.yaml", import.meta.url));
/** The folder of this package's toolchains: one Go module per name. */
export const toolchainFolder = fileURLToPath(new URL("../../toolchain", import.meta.url));

/**
 * Checks a manifest's text.
 * @param origin is the name of the file, for messages.
 * @throws PartError "manifest-invalid" with every fault and its place.
 */
export function parseManifest(text: string, origin: string): Manifest {
  let data: unknown;
  try {
    data = parse(text, { merge: true });
  } catch (error) {
    throw new PartError("manifest-invalid", `${origin} is not YAML: ${describeError(error)}`, { cause: error });
  }
  const result = ManifestSchema.safeParse(data);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => `  ${issue.path.join(".") || "(top)"}: ${issue.message}`);
  throw new PartError(
    "manifest-invalid",
    `${origin} can't be used. Correct these and try again:\n${faults.join("\n")}`,
  );
}

/** Reads and checks a manifest. @throws PartError "manifest-invalid", also when the file can't be read. */
export async function loadManifest(file: string = manifestFile): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new PartError("manifest-invalid", `${file} can't be read: ${describeError(error)}`, { cause: error });
  }
  return parseManifest(text, file);
}
