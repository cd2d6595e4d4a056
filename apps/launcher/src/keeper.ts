/**
 * The process in the background: brings everything up, keeps database, portal and worker running until it is told to end (SIGTERM), and looks
 * anew whether everything is up when it is asked to (SIGHUP). Started by `npm run up`, with its options as JSON.
 */
import { z } from "zod";
import { holdAlone } from "./hold-alone.ts";
import { recordFile } from "./keep-running.ts";
import { openPlaces } from "./places.ts";
import { endMarked, forgetProcess, recordProcess } from "./process-identity.ts";
import { createProgramKeeper } from "./program-keeper.ts";
import { findProviders, setUp } from "./set-up.ts";

const startSchema = z.object({
  home: z.string(),
  version: z.string(),
  options: z.object({
    port: z.int(),
    fleet: z.object({ topology: z.string().exactOptional() }).optional(),
    provider: z.string().exactOptional(),
  }),
});

const say = (line: string): void => {
  process.stdout.write(`${new Date().toISOString()} ${line}\n`);
};

async function main(text: string): Promise<void> {
  const { home, version, options } = startSchema.parse(JSON.parse(text));
  const places = await openPlaces(home);
  if (!(await holdAlone("keeper", places.mark))) throw new Error("Another process keeps this installation already.");
  // What a keeper that was killed has left running, nobody would start again.
  await endMarked(places.mark, 10_000);
  const ending = new AbortController();
  const stop = (): void => ending.abort(new Error("It was told to end."));
  let wish = Promise.withResolvers<void>();
  process.on("SIGTERM", stop).on("SIGINT", stop);
  process.on("SIGHUP", () => wish.resolve());
  const environment = process.env;
  const keeper = createProgramKeeper({
    places,
    environment,
    providers: findProviders(places, { ...options, fleet: options.fleet }),
    report: say,
    signal: ending.signal,
  });
  const record = recordFile(places, "keeper");
  await recordProcess(record, process.pid, version);
  const ended = new Promise<void>((settle) => ending.signal.addEventListener("abort", () => settle()));
  try {
    while (!ending.signal.aborted) {
      say("bringing everything up");
      const failure = await setUp({
        places,
        options: { ...options, fleet: options.fleet },
        environment,
        keeper,
        signal: ending.signal,
      });
      say(failure === undefined ? "everything is up" : `failed: ${failure}`);
      await Promise.race([wish.promise, ended]);
      wish = Promise.withResolvers();
    }
  } finally {
    say("ending");
    await keeper.stopAll();
    await forgetProcess(record);
    say("ended");
  }
}

try {
  await main(process.argv[2] ?? "");
  process.exit(0);
} catch (error) {
  say(`the keeper ends: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  process.exit(1);
}
