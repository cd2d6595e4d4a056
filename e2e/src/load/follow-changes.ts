import type { Page } from "@playwright/test";
import { connectDatabase, type Database } from "@pilothouse/core";
import { z } from "zod";

/** What is to be seen of a control plane: the phase that follows from its condition Ready. */
const phases = { True: "Ready", False: "Degraded", Unknown: "Unknown" } as const;

/** A control plane's condition Ready changed. */
export interface Change {
  /** Of the control plane. */
  id: string;
  phase: string;
  /** When its transaction committed, as Postgres wrote it down, in milliseconds of the machine's clock. */
  committedMs: number;
}

/** What somebody saw, and when: a control plane in a phase, or that it is not in the list (`absent`). */
export interface Sighting {
  id: string;
  phase: string;
  atMs: number;
}

/** Has Postgres write down when transactions commit. It counts from the server's next start on. */
export async function keepCommitTimes(migratorUrl: string): Promise<void> {
  const database = connectDatabase(migratorUrl, 1);
  try {
    await database.$executeRawUnsafe("ALTER SYSTEM SET track_commit_timestamp = on");
  } finally {
    await database.$disconnect();
  }
}

const rowSchema = z.object({ id: z.string(), status: z.enum(["True", "False", "Unknown"]), committedMs: z.number() });

/** Reads what changed since a time, oldest first. */
export async function readChanges(database: Database, sinceMs: number): Promise<Change[]> {
  const rows = await database.$queryRawUnsafe<unknown[]>(
    `SELECT object_id AS id, substring(message FROM '^Ready is (\\w+)') AS status,
       (extract(epoch FROM pg_xact_commit_timestamp((xid % 4294967296)::text::xid)) * 1000)::float8 AS "committedMs"
     FROM events WHERE type = 'control-plane.condition' AND at >= to_timestamp($1::float8 / 1000) ORDER BY xid, id`,
    sinceMs,
  );
  return rows
    .map((row) => rowSchema.parse(row))
    .map(({ id, status, committedMs }) => ({ id, phase: phases[status], committedMs }))
    .toSorted((a, b) => a.committedMs - b.committedMs);
}

const sightingsSchema = z.array(z.object({ id: z.string(), phase: z.string(), atMs: z.number() }));

/** Has a page that shows a list write down each row's phase whenever it differs, at the moment at which it is in the document. */
export async function followList(page: Page): Promise<() => Promise<Sighting[]>> {
  await page.evaluate((known: readonly string[]) => {
    const sightings: { id: string; phase: string; atMs: number }[] = [];
    let shown = new Map<string, string>();
    const look = (): void => {
      const atMs = Date.now();
      const now = new Map<string, string>();
      for (const row of document.querySelectorAll<HTMLElement>("tbody tr[data-row]")) {
        const words = [...row.querySelectorAll("td")].map(({ textContent }) => textContent);
        now.set(row.dataset["row"] ?? "", known.find((phase) => words.includes(phase)) ?? "other");
      }
      for (const [id, phase] of now) if (shown.get(id) !== phase) sightings.push({ id, phase, atMs });
      for (const id of shown.keys()) if (!now.has(id)) sightings.push({ id, phase: "absent", atMs });
      shown = now;
    };
    look();
    Object.assign(globalThis, { sightings });
    new MutationObserver(look).observe(document.body, { subtree: true, childList: true, characterData: true });
  }, Object.values(phases));
  return () => readSightings(page);
}

/** The same for the page of one control plane, whose condition Ready is looked at. */
export async function followDetail(page: Page, id: string): Promise<() => Promise<Sighting[]>> {
  await page.evaluate(
    ({ key, words }) => {
      const sightings: { id: string; phase: string; atMs: number }[] = [];
      let shown = "";
      const look = (): void => {
        const status = document.querySelector<HTMLElement>("[data-condition=Ready]")?.dataset["status"] ?? "";
        if (status === shown) return;
        shown = status;
        sightings.push({
          id: key,
          phase: Object.entries(words).find(([word]) => word === status)?.[1] ?? "other",
          atMs: Date.now(),
        });
      };
      look();
      Object.assign(globalThis, { sightings });
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true });
    },
    { key: id, words: phases },
  );
  return () => readSightings(page);
}

async function readSightings(page: Page): Promise<Sighting[]> {
  const found: unknown = await page.evaluate((): unknown => Reflect.get(globalThis, "sightings"));
  return sightingsSchema.parse(found);
}
