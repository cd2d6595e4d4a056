import { z } from "zod";

/** Name of what a tenant or the provider makes: a DNS label of at most 30 characters. */
export const nameSchema = z
  .string()
  .regex(/^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$/, {
    error: "must be 1 to 30 lower-case letters, digits and `-`, start with a letter and not end with `-`",
  })
  .describe("DNS label of at most 30 characters");

/** Istio minor, as `1.32`. With the longest name of a control plane it still fits into a revision's id, which has 50 characters at most. */
export const lineNameSchema = z
  .string()
  .max(12)
  .regex(/^(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)$/, { error: "must be an Istio minor, such as `1.32`" })
  .describe("Istio minor, as `1.32`");

/** Istio version as istiod reports it, as `1.32.1` or `1.32-dev`. */
export const versionNameSchema = z
  .string()
  .max(40)
  .regex(/^[0-9]+\.[0-9]+([.-][0-9a-z]+)*$/, { error: "must be an Istio version, such as `1.32.1` or `1.32-dev`" })
  .describe("Istio version, as `1.32.1`");

/** A text for people, in one line: no control characters, nothing that is not Unicode. */
export function textSchema(maxLength: number): z.ZodString {
  const error = "must be one line without control characters";
  return (
    z
      .string()
      .min(1)
      .max(maxLength)
      // Written with escapes and no property classes, so that clients in other languages can use the pattern.
      // oxlint-disable-next-line no-control-regex -- control characters are what is refused
      .regex(/^[^\u0000-\u001f\u007f-\u009f]+$/, { error })
      // Half of a surrogate pair is no text that a database takes.
      .refine((text) => text.isWellFormed(), { error })
  );
}

/** A kubeconfig's text. The answer never carries it. */
export const kubeconfigSchema = z
  .string()
  .min(1)
  .max(200_000)
  .describe("A kubeconfig (YAML or JSON). Sealed at once for the workers; never answered, never logged")
  .meta({ writeOnly: true });

export const timestampSchema = z.iso.datetime();

/** A day of the calendar that databases count by, which has no year 0. */
export const daySchema = z.iso
  .date()
  .refine((day) => !day.startsWith("0000"), { error: "must be a day after the year 0" });

export const generationSchema = z.int().min(0);

export const replicasSchema = z.int().min(1).max(5).describe("Number of istiods");

const conditionStatusSchema = z.enum(["True", "False", "Unknown"]);

/** One observation of one aspect of an object, in the form of Kubernetes' API conventions. */
export const conditionSchema = z
  .strictObject({
    type: z.string(),
    status: conditionStatusSchema,
    reason: z.string().describe("CamelCase, for programs"),
    message: z.string().describe("What is the case, and what to do when it is not as wished"),
    observedGeneration: generationSchema,
    lastTransitionAt: timestampSchema,
    lastKnown: z
      .strictObject({ status: conditionStatusSchema, reason: z.string(), message: z.string(), at: timestampSchema })
      .optional()
      .describe("While the status is Unknown: what was seen last"),
  })
  .meta({ id: "Condition" });

export type Condition = z.infer<typeof conditionSchema>;

/** A credential's life, without the credential. */
export const lifetimeSchema = z.strictObject({ issuedAt: timestampSchema, expiresAt: timestampSchema });

/** What an operation or an event is about. */
export const objectReferenceSchema = z.strictObject({
  kind: z.string().describe("`cluster`, `control-plane`, `revision`, ..."),
  id: z.string(),
  name: z.string(),
});

/** How much of an istiod cluster: slots (revisions), CPU in thousandths of a core, memory in MiB. */
export const capacitySchema = z.strictObject({
  slots: z.int().min(0).max(1_000_000).describe("Revisions"),
  cpuMilli: z.int().min(0).max(2_000_000_000).describe("Thousandths of a core"),
  memoryMib: z.int().min(0).max(2_000_000_000).describe("MiB"),
});

export type Capacity = z.infer<typeof capacitySchema>;

/** Most items of a page. */
export const mostOfPage = 500;

const limitSchema = z
  .string()
  .regex(/^[0-9]{1,3}$/, { error: `must be a number from 1 to ${mostOfPage}` })
  .transform(Number)
  .pipe(z.int().min(1).max(mostOfPage));

/** Query of every list: how many at most, and where to go on. */
export const pageQuerySchema = z.strictObject({
  limit: limitSchema.default(50).describe("Most items to answer"),
  cursor: z.string().min(1).max(500).optional().describe("`nextCursor` of the page before"),
});

export type PageQuery = z.output<typeof pageQuerySchema>;

/** Most items that can be asked for by what they are called: more would be too long an address. */
export const mostWanted = 100;

/** Several of a kind: in the query they have commas between them. */
function severalSchema(item: z.ZodType<string, string>) {
  return z
    .string()
    .max(4_000)
    .transform((text) => text.split(","))
    .pipe(z.array(item).min(1).max(mostWanted));
}

/** Query of a list whose items can be asked for by their names. */
export const namedPageQuerySchema = pageQuerySchema.extend({
  names: severalSchema(nameSchema).optional().describe("Only these, as `a,b,c`; what does not exist is left out"),
});

/** Query of a list whose items can be asked for by their ids. */
export const identifiedPageQuerySchema = pageQuerySchema.extend({
  ids: severalSchema(z.uuid())
    .optional()
    .describe("Only these, with commas between them; what does not exist is left out"),
});

/** A page of a list; `nextCursor` is null on the last one. */
export function pageSchema<Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; nextCursor: z.ZodNullable<z.ZodString> }, z.core.$strict> {
  return z.strictObject({ items: z.array(item), nextCursor: z.string().nullable() });
}

export interface Page<Item> {
  items: Item[];
  nextCursor: string | null;
}
