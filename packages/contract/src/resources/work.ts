import { z } from "zod";
import { timestampSchema } from "./common.ts";

const workKindSchema = z.enum(["cluster", "revision", "sentinel"]);
const countSchema = z.int().min(0);

const workItemSchema = z
  .strictObject({
    kind: workKindSchema,
    object: z.string().describe("Id of a revision; of a cluster its name"),
    tenant: z.string(),
    istiodCluster: z.string().nullable().describe("To which its calls go"),
    dueAt: timestampSchema,
    failures: countSchema.describe("In a row"),
    heldBy: z.string().nullable().describe("The worker that looks at it now"),
  })
  .meta({ id: "WorkItem" });

export type WorkItem = z.infer<typeof workItemSchema>;

const breakerStateSchema = z.enum(["closed", "open", "half-open"]);

/** What a worker says of itself, every 15 s. */
const workerSchema = z
  .strictObject({
    id: z.string(),
    startedAt: timestampSchema,
    reportedAt: timestampSchema,
    isStale: z.boolean().describe("Has not reported for 45 s: it hangs, or is gone without a word"),
    running: countSchema.describe("Looks right now"),
    sentinels: countSchema.describe("Revisions that it watches by an open stream"),
    corrections: countSchema.describe("Objects that poller and queue missed, since it started"),
    lostLeases: countSchema.describe("Looks whose lease was over before they ended, since it started"),
    retries: z
      .strictObject({ cluster: countSchema, revision: countSchema })
      .describe("Looks that failed and were tried again after a wait, since it started"),
    breakers: z
      .array(z.strictObject({ istiodCluster: z.string(), state: breakerStateSchema }))
      .describe("`open`: the cluster does not answer this worker, so it sends nothing there"),
  })
  .meta({ id: "Worker" });

export type Worker = z.infer<typeof workerSchema>;

/** What workers report; the service adds when, and whether that is long ago. */
export type WorkerReport = Pick<
  Worker,
  "running" | "sentinels" | "corrections" | "lostLeases" | "retries" | "breakers"
>;

export const workerReportSchema = workerSchema.pick({
  running: true,
  sentinels: true,
  corrections: true,
  lostLeases: true,
  retries: true,
  breakers: true,
});

/** How the workers get on. */
export const workSchema = z
  .strictObject({
    at: timestampSchema,
    kinds: z.array(
      z.strictObject({
        kind: workKindSchema,
        items: countSchema,
        due: countSchema.describe("That wait for a worker"),
        held: countSchema.describe("That a worker looks at; for sentinels: that are watched"),
        failing: countSchema.describe("Whose last look failed"),
        oldestSeconds: z.number().min(0).describe("How long the one that is due for longest has waited; 0 when none"),
      }),
    ),
    waiting: z.array(workItemSchema).max(50).describe("Due and not held, longest first"),
    failing: z.array(workItemSchema).max(50).describe("Whose last look failed, most failures first"),
    operations: z
      .array(
        z.strictObject({
          id: z.uuid(),
          kind: z.string(),
          tenant: z.string(),
          object: z.string(),
          reason: z.string().nullable(),
          createdAt: timestampSchema,
        }),
      )
      .max(50)
      .describe("In progress, oldest first"),
    workers: z.array(workerSchema),
  })
  .meta({ id: "Work" });

export type Work = z.infer<typeof workSchema>;
