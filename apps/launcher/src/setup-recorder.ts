import type { Setup, SetupStep } from "@pilothouse/contract";

/** Steps of bringing an installation up, in their order. */
const labels = {
  database: "Database",
  build: "Portal built",
  portal: "Portal answers",
  credentials: "Credentials",
  parts: "Kubernetes, Istio and Envoy built or fetched",
  fleet: "Local fleet runs",
  worker: "Worker runs",
  registered: "Regions, seeds, versions and istiod clusters registered",
  connected: "Cluster connected",
  ready: "Control plane Ready",
} as const;

export type StepName = keyof typeof labels;

/** The steps of an installation that has no fleet of its own. */
export const stepsWithoutFleet: readonly StepName[] = ["database", "build", "portal", "credentials", "worker"];
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- these are the object's own keys
export const allSteps = Object.keys(labels) as StepName[];

/** Says how often that it is still there, in milliseconds. */
const heartbeatMs = 5_000;
/** Fewest milliseconds between two writes of what only goes on. */
const messageIntervalMs = 250;

/** Keeps book on how far an installation is. */
export interface SetupRecorder {
  /** Does a step. `report` tells what goes on in it. */
  run: <Result>(name: StepName, work: (report: (message: string) => void) => Promise<Result>) => Promise<Result>;
  /** Ends the book: all is done, or what failed. */
  end: (failure?: string) => Promise<void>;
}

/**
 * Begins a book of steps, all of them waiting.
 * @param write puts the book where others read it; it is never called before its last call has ended
 */
export function recordSetup(
  names: readonly StepName[],
  write: (setup: Setup) => Promise<void>,
  now: () => Date = () => new Date(),
): SetupRecorder {
  const time = (): string => now().toISOString();
  const steps = names.map((name): SetupStep => {
    return { name, label: labels[name], state: "waiting", message: null, startedAt: null, finishedAt: null };
  });
  const setup: Setup = { state: "running", message: null, steps, startedAt: time(), updatedAt: time() };
  let writing = Promise.resolve();
  let waiting: NodeJS.Timeout | undefined;
  const save = (): Promise<void> => {
    clearTimeout(waiting);
    waiting = undefined;
    setup.updatedAt = time();
    const state = structuredClone(setup);
    writing = writing.then(() => write(state));
    return writing;
  };
  const heartbeat = setInterval(() => void save(), heartbeatMs);
  void save();
  return {
    async run(name, work) {
      const step = steps.find((candidate) => candidate.name === name);
      if (step === undefined) throw new Error(`${name} is no step of this setup`);
      Object.assign(step, { state: "running", startedAt: time() });
      await save();
      try {
        const result = await work((message) => {
          step.message = message;
          waiting ??= setTimeout(() => void save(), messageIntervalMs);
        });
        Object.assign(step, { state: "done", message: null, finishedAt: time() });
        await save();
        return result;
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        Object.assign(step, { state: "failed", message, finishedAt: time() });
        throw error;
      }
    },
    async end(failure) {
      clearInterval(heartbeat);
      setup.state = failure === undefined ? "ready" : "failed";
      const failed = steps.find(({ state }) => state === "failed");
      setup.message = failure === undefined || failed === undefined ? (failure ?? null) : `${failed.label}: ${failure}`;
      await save();
    },
  };
}
