import { z } from "zod";
import { timestampSchema } from "./common.ts";

/** One step of bringing an installation up. */
export const setupStepSchema = z.strictObject({
  name: z.string(),
  label: z.string().describe("For people"),
  state: z.enum(["waiting", "running", "done", "failed"]),
  message: z.string().nullable().describe("What goes on in it, or why it failed"),
  startedAt: timestampSchema.nullable(),
  finishedAt: timestampSchema.nullable(),
});

export type SetupStep = z.infer<typeof setupStepSchema>;

/** How far the installation is that this service belongs to. */
export const setupSchema = z
  .strictObject({
    state: z
      .enum(["none", "running", "ready", "failed", "interrupted"])
      .describe(
        "`none`: it is not brought up by `npm run up`; `interrupted`: whoever brought it up went away before the end",
      ),
    message: z.string().nullable().describe("Why it failed, or what to do now"),
    steps: z.array(setupStepSchema),
    startedAt: timestampSchema.nullable(),
    updatedAt: timestampSchema.nullable(),
  })
  .meta({ id: "Setup" });

export type Setup = z.infer<typeof setupSchema>;
