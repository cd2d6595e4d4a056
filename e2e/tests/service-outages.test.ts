import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loseApiServer, type Round } from "./support/lose-api-server.ts";
import {
  deleteAfter,
  leave,
  loseInBetween,
  loseJobs,
  pauseWorker,
  renewTokens,
  restartDatabase,
  restartRedis,
} from "./support/lose-parts.ts";
import { createSecretSearch, listForms } from "./support/secret-search.ts";
import { sweepForSecrets } from "./support/secret-sweep.ts";
import { readyOnce } from "./support/inspect.ts";
import { abandon, listClusters, openStage, type Stage, type StageOptions } from "./support/service-stage.ts";

/** Right after these a control plane is deleted: early, while istiod starts, and late. */
const deletedAfter = ["isolationApplied", "istiodApplied", "rolledOut"] as const;

async function onStage<Seen>(options: StageOptions, work: (stage: Stage) => Promise<Seen>): Promise<Seen> {
  const stage = await openStage(options);
  try {
    return await work(stage);
  } catch (error) {
    await abandon(stage).catch(() => undefined);
    throw error;
  } finally {
    await stage.close();
  }
}

const runDead = () =>
  onStage(
    {
      cluster: "shop",
      seed: "seed-eu-1",
      hosts: ["istiod-eu-1-a", "istiod-eu-1-b"],
      queue: "Postgres",
      statements: false,
    },
    async (stage) => ({ ...(await loseApiServer(stage)), sweep: await sweepForSecrets(stage) }),
  );

/** In clusters of their own, so that they can go on beside the other. */
const beside = { cluster: "pay", seed: "seed-us-1", hosts: ["istiod-us-1-a"], statements: true } as const;

const runOnPostgres = () =>
  onStage({ ...beside, queue: "Postgres" }, async (stage) => {
    const before = await listClusters(stage);
    const [jobs, deleted] = await Promise.all([
      loseJobs(stage),
      Promise.all(deletedAfter.map((step) => deleteAfter(stage, step))),
    ]);
    const restarted = await loseInBetween(stage, "restarted", () => restartDatabase(stage));
    const paused = await pauseWorker(stage);
    const left = await leave(stage, before);
    return { jobs, deleted, restarted, paused, left, sweep: await sweepForSecrets(stage) };
  });

const runOnRedis = () =>
  onStage({ ...beside, queue: "Redis" }, async (stage) => {
    const before = await listClusters(stage);
    const jobs = await loseJobs(stage);
    const restarted = await loseInBetween(stage, "restarted", () => restartRedis(stage));
    const { stop, ...renewed } = await renewTokens(stage);
    const left = await leave(stage, before);
    const sweep = await sweepForSecrets(stage);
    await stop();
    return { jobs, restarted, renewed, left, sweep };
  });

let dead: ReturnType<typeof runDead>;
let onPostgres: ReturnType<typeof runOnPostgres>;
let onRedis: ReturnType<typeof runOnRedis>;

/** Three minutes pass in which an API server is away: everything else goes on meanwhile. */
beforeAll(() => {
  dead = runDead();
  onPostgres = runOnPostgres();
  onRedis = onPostgres.then(runOnRedis, runOnRedis);
  // A failure is the failure of the test that waits for it.
  void Promise.allSettled([dead, onPostgres, onRedis]);
});

afterAll(async () => {
  await Promise.allSettled([dead, onPostgres, onRedis]);
});

const emptied = {
  atFault: "running",
  left: 0,
  ends: ["succeeded", "succeeded"],
  planes: [readyOnce, readyOnce],
  removed: ["succeeded", "succeeded"],
};
const disturbed = {
  atFault: ["running", "running"],
  created: "succeeded",
  plane: readyOnce,
  removed: "succeeded",
  after: "NotFound",
  corrected: 0,
};

test("on Postgres: with the queue emptied, control planes are made and removed all the same", async () => {
  const { jobs } = await onPostgres;
  expect(jobs).toMatchObject(emptied);
  expect(jobs.waiting).toBeGreaterThan(0);
});

test("on Redis: with the queue emptied, control planes are made and removed all the same", async () => {
  const { jobs } = await onRedis;
  expect(jobs).toMatchObject(emptied);
  expect(jobs.waiting).toBeGreaterThan(0);
});

test("Postgres restarted in the midst of making and of removing: it ends right, and nothing is doubled", async () => {
  expect((await onPostgres).restarted).toEqual(disturbed);
});

test("Redis killed and started anew in the midst of making and of removing: it ends right, and nothing is doubled", async () => {
  expect((await onRedis).restarted).toEqual(disturbed);
});

test.each([...deletedAfter.entries()])(
  "deleted while it is made (%i: after %s): it is gone, and nothing of it is left",
  async (index) => {
    const { deleted } = await onPostgres;
    expect(deleted[index]).toEqual({
      created: "superseded",
      changed: "BeingDeleted",
      removed: "succeeded",
      after: "NotFound",
    });
  },
);

test("a worker paused past its lease, and another that did its work: the first one writes nothing late", async () => {
  const { paused } = await onPostgres;
  expect(paused).toEqual({
    atFault: "running",
    created: "succeeded",
    plane: readyOnce,
    changed: "superseded",
    removed: "succeeded",
    left: [],
    late: [],
    isUp: true,
    corrected: 0,
  });
});

test("a watcher misses no event and sees none twice, whatever is restarted", async () => {
  for (const { left } of [await onPostgres, await onRedis]) {
    expect(left.disconnected).toBe("succeeded");
    expect(left.seen.length).toBeGreaterThan(50);
    expect(left.seen).toEqual(left.listed);
  }
});

describe("an istiod cluster's API server that is away for three minutes", () => {
  test("what was under way there ends right afterwards, and nothing is doubled", async () => {
    const seen = await dead;
    expect(seen.states).toEqual(["succeeded", "succeeded", "succeeded"]);
    expect(seen.during.atFault).toEqual(["running", "running", "running"]);
    expect(seen.ends).toMatchObject({
      comes: { state: "succeeded" },
      grows: { state: "succeeded" },
      goes: { state: "succeeded" },
    });
    for (const { wentOnAfterMs, endedAfterMs, taken } of Object.values(seen.ends)) {
      expect({ wentOnAfterMs, taken }).toSatisfy(() => wentOnAfterMs < 20_000);
      // The cluster's own DNS, which istiod is reached by, looks again up to a minute later.
      expect({ endedAfterMs, taken }).toSatisfy(() => endedAfterMs < 75_000);
    }
    // Two istiods are other pods than one, so that a change is a rollout.
    expect(seen.planes).toEqual({ stays: readyOnce, comes: readyOnce, grows: { ...readyOnce, replicaSets: 2 } });
    expect(seen.goneAs).toBe("NotFound");
    expect(seen.breaker).toBe(0);
    expect([...seen.removed, seen.disconnected]).toEqual(Array.from({ length: 4 }, () => "succeeded"));
    expect(seen.corrections).toBe(0);
  });

  test("costs others no second: control planes elsewhere are made, changed and removed as before", async () => {
    const { roundsBefore, during } = await dead;
    expect(during.rounds.length).toBeGreaterThanOrEqual(4);
    const sort = (rounds: readonly Round[], of: keyof Round): number[] =>
      rounds.map((round) => round[of]).toSorted((a, b) => a - b);
    for (const of of ["create", "change", "remove"] as const) {
      const [before, meanwhile] = [sort(roundsBefore, of), sort(during.rounds, of)];
      const [median = Number.NaN] = meanwhile.slice(Math.floor(meanwhile.length / 2));
      expect(median - (before.at(-1) ?? Number.NaN)).toBeLessThan(1_000);
      expect((meanwhile[0] ?? Number.NaN) - (before[0] ?? Number.NaN)).toBeLessThan(1_000);
    }
  });

  test("is seen at once: nothing new is placed there, with the reason", async () => {
    const { during } = await dead;
    expect(during.openAfterMs).toBeLessThan(15_000);
    expect(during.refusal).toBe("NoPlacement");
  });
});

describe("secrets", () => {
  test("are found by the search in every form, whole or in parts", () => {
    const value = randomBytes(45).toString("base64url");
    const search = createSecretSearch([{ name: "it", value }]);
    for (const form of listForms(value)) expect(search(`before ${form.slice(1, 48)} after`)).toEqual(["it"]);
    for (const before of ["", "a", "ab", "abc"]) {
      const around = Buffer.from(`${before}${value} and more`);
      const texts = (["utf8", "base64", "base64url", "hex"] as const).map((encoding) => around.toString(encoding));
      expect(texts.map(search)).toEqual(texts.map(() => ["it"]));
    }
    expect(search(randomBytes(100_000).toString("base64"))).toEqual([]);
  });

  test("are nowhere in clear: not in the database, the queue, logs, events, answers or metrics", async () => {
    const sweeps = [(await dead).sweep, (await onPostgres).sweep, (await onRedis).sweep];
    const places = [
      "answer POST /api/v1/admin/regions",
      "log planted.log",
      "rows of public.regions",
      "table public.regions",
    ];
    for (const { kinds, found, planted } of sweeps) {
      expect(Object.keys(kinds).toSorted()).toEqual([
        "API key",
        "client key",
        "client-key-data",
        "cluster token",
        "database password",
        "istiod token",
        "kubeconfig",
        "sealing key",
      ]);
      // Shown once, to who made it.
      expect(found).toEqual(["answer POST /api/v1/admin/tenants/acme/api-keys: API key 1"]);
      expect(planted).toEqual(expect.arrayContaining(places));
    }
    // The logs of these have every statement with its parameters.
    for (const { planted } of sweeps.slice(1)) expect(planted).toContain("log database.log");
    for (const { planted } of sweeps.slice(0, 2)) expect(planted).toContain("rows of bullmq.job");
    expect(sweeps[2]?.planted).toContain("Redis");
    // Before a renewal and after it.
    expect(sweeps[2]?.kinds["cluster token"]).toBeGreaterThanOrEqual(2);
    expect((await onRedis).renewed).toEqual({
      created: "succeeded",
      plane: readyOnce,
      removed: "succeeded",
      istiodTokens: 2,
    });
  });
});
