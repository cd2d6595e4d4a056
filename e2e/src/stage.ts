/** `npm run stage [-- --home FOLDER]`: the portal with something in it, on simulated clusters, until Ctrl-C. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startStage } from "./portal/stage.ts";

const block = 79;
const print = (text: string): void => void process.stdout.write(`${text}\n`);

const { values } = parseArgs({ options: { home: { type: "string" } } });
const home = values.home ?? (await mkdtemp(join(tmpdir(), "pilothouse-stage-")));
const stage = await startStage({ home, environment: process.env, block, say: print });
print(`\n${stage.baseUrl}`);
for (const { email, password } of [stage.member, stage.operator]) print(`  ${email}  ${password}`);
print(`  tenants ${stage.tenant} and ${stage.emptyTenant}; logs are in ${stage.service.logsFolder}; Ctrl-C ends it`);
await new Promise<void>((settle) => {
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => settle());
});
await stage.stop();
if (values.home === undefined) await rm(home, { recursive: true, force: true });
