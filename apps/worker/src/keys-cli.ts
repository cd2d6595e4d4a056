/**
 * `npm run sealing-keys -- create`: makes a new key in the folder PILOTHOUSE_SEALING_KEYS. Workers find it there within a minute, make it known,
 * and seal anew what is sealed to older ones; no restart is needed.
 */
import { createSealingKeys } from "@pilothouse/core";
import { z } from "zod";
import { makeKeyFile } from "./key-files.ts";

const usage = "Usage: PILOTHOUSE_SEALING_KEYS=FOLDER npm run sealing-keys -- create";
const environmentSchema = z.object({ PILOTHOUSE_SEALING_KEYS: z.string().min(1, { error: usage }) });

async function run(): Promise<void> {
  const parsed = environmentSchema.safeParse(process.env);
  if (process.argv[2] !== "create" || process.argv.length > 3 || !parsed.success) throw new Error(usage);
  const { id } = await makeKeyFile(parsed.data.PILOTHOUSE_SEALING_KEYS, await createSealingKeys());
  process.stdout.write(
    `${id}.key is there. Give it to every worker that does not share this folder, and keep the older ones until a worker's log says that they are retired.\n`,
  );
}

try {
  await run();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
