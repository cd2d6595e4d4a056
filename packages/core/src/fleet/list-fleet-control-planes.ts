import {
  type Condition,
  type FleetControlPlane,
  fleetControlPlaneSchema,
  type Page,
  type PlacedControlPlane,
  placedControlPlaneSchema,
} from "@pilothouse/contract";
import { z } from "zod";
import { withSight } from "../change/run-change.ts";
import { toCondition } from "../conditions/to-condition.ts";
import { deriveControlPlanePhase } from "../control-planes/derive-phase.ts";
import type { Transaction } from "../database/connect.ts";
import { type PageInput, readCursor, toPage } from "../database/page.ts";
import { notFound } from "../errors.ts";
import { type RequestContext, requirePlatform } from "../request-context.ts";

const namePart = z
  .string()
  .max(100)
  .regex(/^[a-z0-9-]*$/);
const fleetPosition: z.ZodType<[string, string]> = z.tuple([namePart, namePart]);

/** As the database answers it; what JSON carries is checked. */
const rowSchema = z.object({
  id: z.string(),
  tenant: z.string(),
  name: z.string(),
  cluster: z.string(),
  seed: z.string().nullable(),
  seed_region: z.string().nullable(),
  version: z.string(),
  replicas: z.int(),
  generation: z.int(),
  deletion_requested_at: z.date().nullable(),
  created_at: z.date(),
  operation: fleetControlPlaneSchema.shape.operation,
  revisions: z.array(
    placedControlPlaneSchema.shape.revisions.element
      .omit({ placement: true, conditions: true })
      .extend({ placement: z.unknown(), observedGeneration: z.int() }),
  ),
});

type FleetRow = z.infer<typeof rowSchema>;

/** Lists the control planes of all tenants, by tenant and name: all, or those that are asked for. @throws DomainError Forbidden, InvalidCursor */
export async function listFleetControlPlanes(
  context: RequestContext,
  input: PageInput & { ids?: readonly string[] | undefined },
): Promise<Page<FleetControlPlane>> {
  requirePlatform(context);
  const [tenant, name] = readCursor(fleetPosition, input.cursor) ?? [null, null];
  return withSight(context, "platform", async (transaction) => {
    const rows = await transaction.$queryRaw<unknown[]>`
      SELECT * FROM list_fleet_control_planes(${tenant}, ${name}, ${input.limit + 1}::int, ${input.ids ?? null}::uuid[], false)`;
    return toPage(
      rows.map((row) => rowSchema.parse(row)),
      input.limit,
      (row) => [row.tenant, row.name],
      async (shown) => {
        const conditions = await loadConditions(transaction, shown, "Ready");
        return shown.map((row) => ({
          ...describe(row, conditions),
          revisions: row.revisions.map(toFleetRevision),
        }));
      },
    );
  });
}

/** Reads a control plane of any tenant, with the reasons for its place. @throws DomainError Forbidden, NotFound */
export async function getFleetControlPlane(
  context: RequestContext,
  { id }: { id: string },
): Promise<PlacedControlPlane> {
  requirePlatform(context);
  return withSight(context, "platform", async (transaction) => {
    const [found] = await transaction.$queryRaw<unknown[]>`
      SELECT * FROM list_fleet_control_planes(NULL, NULL, 1, ${[id]}::uuid[], true)`;
    if (found === undefined) throw notFound("control plane", id);
    const row = rowSchema.parse(found);
    const conditions = await loadConditions(transaction, [row], null);
    const placementSchema = placedControlPlaneSchema.shape.revisions.element.shape.placement;
    return {
      ...describe(row, conditions),
      revisions: row.revisions.map((revision) => ({
        ...toFleetRevision(revision),
        placement: placementSchema.parse(revision.placement),
        conditions: conditions.get(revision.id) ?? [],
      })),
    };
  });
}

function toFleetRevision(row: FleetRow["revisions"][number]): FleetControlPlane["revisions"][number] {
  const { id, version, line, istiodCluster, region, replicas, cpuMilli, memoryMib, proxies, readyAt, createdAt } = row;
  return { id, version, line, istiodCluster, region, replicas, cpuMilli, memoryMib, proxies, readyAt, createdAt };
}

async function loadConditions(
  transaction: Transaction,
  rows: readonly FleetRow[],
  type: string | null,
): Promise<Map<string, Condition[]>> {
  const ids = rows.flatMap(({ revisions }) => revisions.map(({ id }) => id));
  const found = await transaction.$queryRaw<ConditionColumns[]>`
    SELECT * FROM list_fleet_conditions(${ids}::text[], ${type}::text)`;
  const byRevision = Map.groupBy(found, (row) => row.object_id);
  return new Map([...byRevision].map(([id, list]) => [id, list.map(readCondition)]));
}

interface ConditionColumns {
  object_id: string;
  type: string;
  status: string;
  reason: string;
  message: string;
  observed_generation: number;
  last_transition_at: Date;
  last_known: unknown;
}

function readCondition(row: ConditionColumns): Condition {
  return toCondition({
    ...row,
    observedGeneration: row.observed_generation,
    lastTransitionAt: row.last_transition_at,
    lastKnown: row.last_known,
  });
}

function describe(row: FleetRow, conditions: ReadonlyMap<string, Condition[]>): Omit<FleetControlPlane, "revisions"> {
  const [newest] = row.revisions;
  const ready = conditions.get(newest?.id ?? "")?.find(({ type }) => type === "Ready") ?? null;
  const observedGeneration = newest?.observedGeneration ?? 0;
  return {
    id: row.id,
    tenant: row.tenant,
    name: row.name,
    cluster: row.cluster,
    seed: row.seed,
    seedRegion: row.seed_region,
    version: row.version,
    line: newest?.line ?? "",
    replicas: row.replicas,
    phase: deriveControlPlanePhase({
      deletionRequested: row.deletion_requested_at !== null,
      isChanging: row.operation !== null || observedGeneration < row.generation,
      ready: ready?.status,
    }),
    ready,
    operation: row.operation,
    deletionRequestedAt: row.deletion_requested_at?.toISOString() ?? null,
    createdAt: row.created_at.toISOString(),
  };
}
