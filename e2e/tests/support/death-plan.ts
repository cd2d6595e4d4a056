import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** After which steps workers die, and what they take for old. The test writes it, and every worker reads it whenever it matters. */
const DeathPlanSchema = z.object({
  /** How many workers die after a step of an object, one after the other. A control plane goes by its name, the mesh cluster is `cluster`. */
  deaths: z.record(z.string(), z.record(z.string(), z.int())),
  /** Pilothouse's tokens from before this moment are due for renewal, in milliseconds since 1970. */
  agedBeforeMs: z.number(),
  /** Control planes whose istiods' tokens are due for renewal. */
  aged: z.array(z.string()),
});

export type DeathPlan = z.infer<typeof DeathPlanSchema>;

/** The object that stands for the mesh cluster in a plan. */
export const clusterObject = "cluster";

export function readDeathPlan(folder: string): DeathPlan {
  return DeathPlanSchema.parse(JSON.parse(readFileSync(join(folder, "plan.json"), "utf8")));
}

/** Workers read the plan before or the one after, whenever they look. */
export function writeDeathPlan(folder: string, plan: DeathPlan): void {
  const file = join(folder, "plan.json");
  writeFileSync(`${file}.new`, JSON.stringify(plan));
  renameSync(`${file}.new`, file);
}

/**
 * Answers whether the worker that asks is to die now. An object's deaths come in the order of the plan, so that those after one step come in a row;
 * each is answered to one worker only.
 */
export function takeDeath(folder: string, object: string, step: string): boolean {
  for (const [name, count] of Object.entries(readDeathPlan(folder).deaths[object] ?? {})) {
    for (let death = 1; death <= count; death += 1) {
      const file = join(folder, `${object}.${name}.${death}`);
      if (existsSync(file)) continue;
      if (name !== step) return false;
      writeFileSync(file, "", { flag: "wx" });
      return true;
    }
  }
  return false;
}

/** What a dying worker prints: a verb that begins, a step that was taken, or a line of its log. */
export const WorkerLineSchema = z.union([
  z.object({ atMs: z.number(), object: z.string(), step: z.string(), dies: z.boolean() }),
  z.object({ atMs: z.number(), object: z.string(), verb: z.string() }),
  z.object({ atMs: z.number(), level: z.string(), message: z.string(), fields: z.json() }),
]);

export type WorkerLine = z.infer<typeof WorkerLineSchema>;
