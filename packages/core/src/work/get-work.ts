import {
  type Work,
  type Worker,
  workerReportSchema,
  type WorkItem,
  type WorkKind,
  workSchema,
} from "@pilothouse/contract";
import { withSight } from "../change/run-change.ts";
import type { Transaction } from "../database/connect.ts";
import { readDatabaseTime } from "../database/read-time.ts";
import { type RequestContext, requirePlatform } from "../request-context.ts";

/** Most items and operations of each list. */
const mostListed = 50;
/** Three reports missed, in milliseconds: the worker hangs, or is gone without a word. */
const staleAfterMs = 45_000;

interface KindRow {
  kind: WorkKind;
  items: number;
  due: number;
  held: number;
  failing: number;
  oldest_seconds: number;
}

interface ItemRow {
  kind: WorkKind;
  object: string;
  tenant: string;
  istiod_cluster: string | null;
  due_at: Date;
  failures: number;
  held_by: string | null;
}

interface OperationRow {
  id: string;
  kind: string;
  tenant: string;
  object: string;
  reason: string | null;
  created_at: Date;
}

const kinds = workSchema.shape.kinds.element.shape.kind.options;

/** Reads how the workers get on: what waits, what fails, and what each of them reports. @throws DomainError Forbidden */
export async function getWork(context: RequestContext): Promise<Work> {
  requirePlatform(context);
  return withSight(context, "platform", async (transaction) => {
    const now = await readDatabaseTime(transaction);
    const measured = await transaction.$queryRaw<KindRow[]>`SELECT * FROM measure_work()`;
    const live = await transaction.$queryRaw<OperationRow[]>`SELECT * FROM list_live_operations(${mostListed}::int)`;
    const workers = await transaction.workerReport.findMany({ orderBy: { startedAt: "asc" } });
    return {
      at: now.toISOString(),
      kinds: kinds.map((kind) => {
        const {
          items,
          due,
          held,
          failing,
          oldest_seconds: oldestSeconds,
        } = measured.find((row) => row.kind === kind) ?? {
          items: 0,
          due: 0,
          held: 0,
          failing: 0,
          oldest_seconds: 0,
        };
        return { kind, items, due, held, failing, oldestSeconds };
      }),
      waiting: await listItems(transaction, false),
      failing: await listItems(transaction, true),
      operations: live.map(({ created_at: createdAt, ...row }) => ({ ...row, createdAt: createdAt.toISOString() })),
      workers: workers.flatMap(({ id, startedAt, reportedAt, report }): Worker[] => {
        const parsed = workerReportSchema.safeParse(report);
        // Of a worker of another version, whose words are not known here.
        if (!parsed.success) return [];
        const isStale = now.getTime() - reportedAt.getTime() > staleAfterMs;
        return [
          { id, startedAt: startedAt.toISOString(), reportedAt: reportedAt.toISOString(), isStale, ...parsed.data },
        ];
      }),
    };
  });
}

async function listItems(transaction: Transaction, isFailing: boolean): Promise<WorkItem[]> {
  const rows = await transaction.$queryRaw<ItemRow[]>`
    SELECT * FROM list_fleet_work(${isFailing}::boolean, ${mostListed}::int)`;
  return rows.map(
    ({ kind, object, tenant, istiod_cluster: istiodCluster, due_at: dueAt, failures, held_by: heldBy }) => ({
      kind,
      object,
      tenant,
      istiodCluster,
      dueAt: dueAt.toISOString(),
      failures,
      heldBy,
    }),
  );
}
