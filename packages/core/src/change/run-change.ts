import { setTimeout as sleep } from "node:timers/promises";
import type { Job } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import { type DatabaseFact, describeDatabaseError, translateOutage } from "../database/describe-error.ts";
import type { DomainError } from "../errors.ts";
import type { Answer, RequestContext } from "../request-context.ts";
import { recallAnswer, rememberAnswer } from "./idempotency.ts";
import { translateRefusal } from "./translate-refusal.ts";

/** Whose rows a transaction sees: one tenant's, or those of the platform. */
export type Sight = { tenantId: string } | "platform";

/** What a change came to, inside its transaction. */
export interface Outcome<Body> {
  status: number;
  body: Body;
  location?: string;
  etag?: string;
  /** What a repetition under the same Idempotency-Key is answered, where the body holds what must not be stored. */
  repeatedBody?: Body;
  /** Told to the workers once it is committed. */
  jobs?: readonly Job[];
}

/**
 * How often a change is run in all when it loses a race: for the last of an istiod cluster's capacity, for a revision's random id, or
 * when the database ended it in favour of another. Each loss means that somebody else's change was made, so a few are enough.
 */
const mostTries = 6;

/** Facts that the next try sees and takes into account. */
const lostRaces = new Set(["istiod_clusters_capacity", "revisions_pkey", "revisions_hostname_key"]);

/** Runs `work` in a transaction that sees what `sight` says, and nothing else. */
export async function withSight<Result>(
  context: RequestContext,
  sight: Sight,
  work: (transaction: Transaction) => Promise<Result>,
): Promise<Result> {
  try {
    return await context.database.$transaction(async (transaction) => {
      await (sight === "platform"
        ? transaction.$executeRaw`SELECT set_config('pilothouse.platform', 'on', true)`
        : transaction.$executeRaw`SELECT set_config('pilothouse.tenant', ${sight.tenantId}, true)`);
      return work(transaction);
    });
  } catch (error) {
    throw translateOutage(error);
  }
}

/**
 * Makes a change: answers a repeated request as it was answered before, else runs `work` in one transaction with everything that belongs to
 * it, and wakes the workers after the commit. A lost race runs it again, at most `mostTries` times in all.
 * @param explain what a fact that the database enforces means to this very change, where that differs from what it means to others
 * @throws DomainError for everything that the request or the state of things is to blame for
 */
export async function runChange<Body>(
  context: RequestContext,
  sight: Sight,
  work: (transaction: Transaction) => Promise<Outcome<Body>>,
  explain?: (fact: DatabaseFact) => DomainError | undefined,
): Promise<Answer<Body>> {
  for (let tries = 1; ; tries += 1) {
    try {
      const { answer, jobs } = await withSight(context, sight, async (transaction) => {
        const before = await recallAnswer<Body>(transaction, context);
        if (before !== undefined) return { answer: before, jobs: [] };
        const outcome = await work(transaction);
        await rememberAnswer(transaction, context, sight, outcome);
        return { answer: toAnswer(outcome), jobs: outcome.jobs ?? [] };
      });
      await wakeAll(context, jobs);
      return answer;
    } catch (error) {
      const fact = describeDatabaseError(error);
      const explained = fact === undefined ? undefined : explain?.(fact);
      if (explained !== undefined) throw explained;
      const isRace = fact !== undefined && (fact.kind === "conflict" || lostRaces.has(fact.constraint));
      if (!isRace || tries === mostTries) throw translateRefusal(error);
      await sleep(Math.random() * 10 * tries);
    }
  }
}

function toAnswer<Body>({ status, body, location, etag }: Outcome<Body>): Answer<Body> {
  return {
    status,
    body,
    ...(location === undefined ? {} : { location }),
    ...(etag === undefined ? {} : { etag }),
    replayed: false,
  };
}

async function wakeAll(context: RequestContext, jobs: readonly Job[]): Promise<void> {
  await Promise.all(
    jobs.map(async (job) => {
      try {
        await context.wake(job);
      } catch (error) {
        context.onWakeFailed?.(error, job);
      }
    }),
  );
}
