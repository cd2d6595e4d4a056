import { z } from "zod";

/** Name of the queue. */
export const queueName = "pilothouse";

/** "Look at this once": ids only, everything else is read from the database by whoever looks. */
export const jobSchema = z.strictObject({
  kind: z.enum(["cluster", "revision", "sentinel"]),
  id: z.string().min(1).max(100),
});

export type Job = z.infer<typeof jobSchema>;

export type WorkKind = Job["kind"];

/** One object has at most one job waiting and one active. */
export function jobKey(job: Job): string {
  return `${job.kind}/${job.id}`;
}
