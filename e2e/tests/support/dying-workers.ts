import { mkdtemp } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Service, WorkerProcess } from "../../src/service.ts";
import { type DeathPlan, type WorkerLine, WorkerLineSchema, writeDeathPlan } from "./death-plan.ts";

/** A worker that died by its plan. */
export interface Death {
  object: string;
  step: string;
  /** When it died, in Unix time. */
  atMs: number;
  /** From the death until another worker went to the clusters for the object, in milliseconds. */
  delayMs: number | undefined;
  /** What workers wrote into their logs meanwhile. */
  meanwhile: string[];
}

/** Several workers of one service at a time, each with one look at a time, which die by a plan and are replaced. */
export interface DyingWorkers {
  /** Sets how many there are; answers when as many are ready. More workers than objects: each object is looked at by one. */
  resize: (count: number) => Promise<void>;
  /** Adds deaths, and sets the rest. */
  plan: (change: Partial<DeathPlan>) => void;
  /** Whether all planned deaths of an object have happened. */
  areDone: (object: string) => boolean;
  hasTaken: (object: string, step: string) => boolean;
  /** All so far, in the order in which they happened. */
  listDeaths: () => Death[];
  /** How many workers ended by SIGKILL. */
  countKilled: () => number;
  /** What was not to happen: workers that ended unasked otherwise, and errors in their logs, of which a correction of the sweep is one. */
  listFaults: () => string[];
  /** How many corrections the sweeps of those counted that live now. */
  readCorrections: () => Promise<number>;
  /** Stops all in order. */
  stop: () => Promise<void>;
}

const readyLimitMs = 60_000;
const program = join(import.meta.dirname, "dying-worker.ts");

export async function startDyingWorkers(service: Service): Promise<DyingWorkers> {
  const folder = await mkdtemp(join(service.home, "deaths-"));
  let plan: DeathPlan = { deaths: {}, agedBeforeMs: 0, aged: [] };
  writeDeathPlan(folder, plan);
  const alive = new Set<WorkerProcess>();
  const starting = new Set<Promise<void>>();
  const all: WorkerProcess[] = [];
  const faults: string[] = [];
  let wanted = 0;
  let started = 0;
  let killed = 0;

  async function start(): Promise<void> {
    started += 1;
    const worker = await service.startWorker(`dying-${started}`, {
      program,
      environment: {
        DEATHS: folder,
        PILOTHOUSE_WORKER_LOOKS: "1",
        // Each starts in two thirds of the time.
        NODE_COMPILE_CACHE: join(folder, "code"),
      },
      detached: true,
    });
    all.push(worker);
    alive.add(worker);
    void replaceWhenEnded(worker);
  }

  async function replaceWhenEnded(worker: WorkerProcess): Promise<void> {
    const { code, signal } = await worker.ended;
    alive.delete(worker);
    if (signal === "SIGKILL") killed += 1;
    else if (code !== 0) faults.push(`a worker ended with ${signal ?? code}`);
    fill();
  }

  function fill(): void {
    for (let missing = wanted - alive.size - starting.size; missing > 0; missing -= 1) {
      const one = start()
        .catch((error: unknown) => void faults.push(String(error)))
        .finally(() => starting.delete(one));
      starting.add(one);
    }
  }

  const isReady = ({ healthUrl }: WorkerProcess): Promise<boolean> =>
    fetch(`${healthUrl}/readyz`, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );

  async function untilReady(count: number): Promise<void> {
    const endMs = performance.now() + readyLimitMs;
    while ((await Promise.all([...alive].map(isReady))).filter(Boolean).length < count) {
      if (performance.now() > endMs) throw new Error(`${count} workers were not ready within a minute`);
      await sleep(100);
    }
  }

  const listLines = (): WorkerLine[] =>
    all.flatMap(({ lines }) =>
      lines.filter(({ text }) => text.startsWith("{")).map(({ text }) => WorkerLineSchema.parse(JSON.parse(text))),
    );

  const listSigns = (lines = listLines()) =>
    lines.flatMap((line) => ("object" in line ? [line] : [])).toSorted((a, b) => a.atMs - b.atMs);

  const listDeaths = (): Death[] => {
    const lines = listLines();
    const signs = listSigns(lines);
    return signs.flatMap((sign, index) => {
      if (!("dies" in sign) || !sign.dies) return [];
      const { object, step } = sign;
      const next = signs.slice(index + 1).find((later) => later.object === object);
      const meanwhile = lines.flatMap((line) => {
        const afterMs = line.atMs - sign.atMs;
        if (!("level" in line) || afterMs < 0 || (next !== undefined && line.atMs > next.atMs)) return [];
        return [`${afterMs} ms: ${line.message} ${JSON.stringify(line.fields)}`];
      });
      return [
        { object, step, atMs: sign.atMs, delayMs: next === undefined ? undefined : next.atMs - sign.atMs, meanwhile },
      ];
    });
  };

  return {
    async resize(count) {
      // One that only begins ends at SIGTERM as any program does, and not in order.
      if (count < wanted) await untilReady(wanted);
      wanted = count;
      fill();
      const surplus = [...alive].slice(count);
      await Promise.all(surplus.map((worker) => worker.stop()));
      await untilReady(count);
    },
    plan(change) {
      const deaths = { ...plan.deaths };
      for (const [object, steps] of Object.entries(change.deaths ?? {}))
        deaths[object] = { ...deaths[object], ...steps };
      plan = { ...plan, ...change, deaths };
      writeDeathPlan(folder, plan);
    },
    areDone(object) {
      const planned = Object.values(plan.deaths[object] ?? {}).reduce((sum, count) => sum + count, 0);
      return listDeaths().filter((death) => death.object === object).length >= planned;
    },
    hasTaken: (object, step) =>
      listSigns().some((sign) => sign.object === object && "step" in sign && sign.step === step),
    listDeaths,
    countKilled: () => killed,
    listFaults: () => [
      ...faults,
      ...listLines().flatMap((line) => ("level" in line && line.level === "error" ? [line.message] : [])),
    ],
    async readCorrections() {
      await untilReady(wanted);
      const texts = await Promise.all(
        [...alive].map(async ({ healthUrl }) => (await fetch(`${healthUrl}/metrics`)).text()),
      );
      return texts
        .map((text) => Number(/^pilothouse_sweep_corrections_total (\d+)$/m.exec(text)?.[1] ?? Number.NaN))
        .reduce((sum, count) => sum + count, 0);
    },
    async stop() {
      wanted = 0;
      await Promise.all(starting);
      await Promise.all([...alive].map((worker) => worker.stop()));
    },
  };
}
