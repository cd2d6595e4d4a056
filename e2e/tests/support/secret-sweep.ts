import { randomBytes } from "node:crypto";
import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { operations } from "@pilothouse/contract";
import { createSecretSearch } from "./secret-search.ts";
import { proveQueue, type Stage } from "./service-stage.ts";
import { dumpDatabase, gatherSecrets, readLogs } from "./service-trace.ts";

/** What a sweep found. */
export interface Sweep {
  /** How many secrets of each kind were looked for. */
  kinds: Record<string, number>;
  /** Each as `place: secret`. */
  found: string[];
  /** Where a text was found that had been put there to be found, in one form or another. */
  planted: string[];
}

/** Puts a text where secrets must not be: into a row, a statement and an answer in base64, into a job, and into a log in hex. */
async function plantText(stage: Stage, text: string): Promise<void> {
  const displayName = Buffer.from(`x${text}`).toString("base64");
  await stage.service.platform.call(operations.createRegion, { body: { name: "planted", displayName } });
  await proveQueue(stage, text);
  await appendFile(join(stage.service.logsFolder, "planted.log"), `${Buffer.from(text).toString("hex")}\n`);
}

/**
 * Searches everything that is kept of a stage for every secret that was in play: every row of the database, those that are there and those
 * that ever were; what Redis was sent; logs of all programs; answers, events among them; metrics.
 */
export async function sweepForSecrets(stage: Stage): Promise<Sweep> {
  const { service, rest, rows, redis, istiodTokens, metrics } = stage;
  const canary = randomBytes(24).toString("base64url");
  await plantText(stage, canary);
  const secrets = [...(await gatherSecrets(service, rest, rows)), ...istiodTokens];
  const places = [
    ...(await dumpDatabase(rows)),
    ...(await readLogs(service.logsFolder)),
    ...[...rest.answers].map(([label, texts]) => ({ place: `answer ${label}`, text: [...texts].join("\n") })),
    { place: "metrics", text: [...metrics].join("\n") },
    { place: "Redis", text: redis?.readCommands() ?? "" },
  ];
  const kinds: Record<string, number> = {};
  for (const { kind } of secrets) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const search = createSecretSearch([...secrets, { name: "canary", value: canary }]);
  const found = places.flatMap(({ place, text }) => search(text).map((name) => ({ place, name })));
  return {
    kinds,
    found: found.filter(({ name }) => name !== "canary").map(({ place, name }) => `${place}: ${name}`),
    planted: found.filter(({ name }) => name === "canary").map(({ place }) => place),
  };
}
