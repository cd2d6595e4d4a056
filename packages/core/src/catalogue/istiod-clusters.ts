import type { ChangeIstiodClusterBody, CreateIstiodClusterBody, IstiodCluster, Page } from "@pilothouse/contract";
import type { Transaction } from "../database/connect.ts";
import type { PageInput } from "../database/page.ts";
import { DomainError, unknownReference } from "../errors.ts";
import type { IstiodCluster as ClusterRow } from "../generated/client.ts";
import type { Answer, RequestContext } from "../request-context.ts";
import { storeSealed } from "../secrets/store-sealed.ts";
import {
  type Catalogue,
  changeInCatalogue,
  type ChangeInput,
  createInCatalogue,
  deleteFromCatalogue,
  type DeleteInput,
  getByName,
  listByName,
  pickGiven,
} from "./common.ts";

const clusters: Catalogue<ClusterRow, IstiodCluster> = {
  kind: "istiod-cluster",
  title: "istiod cluster",
  path: "istiod-clusters",
  find: (transaction, name) => transaction.istiodCluster.findUnique({ where: { name } }),
  toResource: (row) => ({
    name: row.name,
    region: row.regionName,
    zones: row.zones,
    line: row.lineName,
    edgeAddresses: row.edgeAddresses,
    schedulable: row.schedulable,
    capacity: { slots: row.capacitySlots, cpuMilli: row.capacityCpuMilli, memoryMib: row.capacityMemoryMib },
    reserved: { slots: row.reservedSlots, cpuMilli: row.reservedCpuMilli, memoryMib: row.reservedMemoryMib },
    healthy: row.healthy,
    healthMessage: row.healthMessage,
    healthSince: row.healthSince?.toISOString() ?? null,
    generation: row.generation,
    createdAt: row.createdAt.toISOString(),
  }),
};

/** Lists istiod clusters by name. @throws DomainError Forbidden, InvalidCursor */
export async function listIstiodClusters(context: RequestContext, input: PageInput): Promise<Page<IstiodCluster>> {
  return listByName(context, clusters, input, (transaction, query) => transaction.istiodCluster.findMany(query));
}

/** Reads an istiod cluster. @throws DomainError Forbidden, NotFound */
export async function getIstiodCluster(context: RequestContext, input: { name: string }): Promise<IstiodCluster> {
  return getByName(context, clusters, input.name);
}

/**
 * Makes an istiod cluster. Its kubeconfig is sealed for the workers at once.
 * @returns 201
 * @throws DomainError Forbidden, AlreadyExists, UnknownReference, NoWorker
 */
export async function createIstiodCluster(
  context: RequestContext,
  body: CreateIstiodClusterBody,
): Promise<Answer<IstiodCluster>> {
  const { kubeconfig, ...details } = body;
  return createInCatalogue(context, clusters, details, async (transaction) => {
    const { name, region, line } = body;
    if ((await transaction.region.findUnique({ where: { name: region } })) === null) {
      throw unknownReference("region", "region", region);
    }
    if ((await transaction.versionLine.findUnique({ where: { name: line } })) === null) {
      throw unknownReference("line", "version line", line);
    }
    const row = await insertCluster(transaction, body);
    await sealAccess(transaction, name, kubeconfig);
    return row;
  });
}

/** In SQL, since Prisma writes every column that has a default, and the reserved amounts are not the service's to write. */
async function insertCluster(transaction: Transaction, body: CreateIstiodClusterBody): Promise<ClusterRow> {
  const { name, region, zones, line, edgeAddresses, schedulable, capacity } = body;
  await transaction.$executeRaw`
    INSERT INTO istiod_clusters (name, region, zones, line, edge_addresses, schedulable, capacity_slots, capacity_cpu_milli, capacity_memory_mib)
    VALUES (${name}, ${region}, ${zones}::text[], ${line}, ${edgeAddresses}::text[], ${schedulable}, ${capacity.slots}, ${capacity.cpuMilli},
      ${capacity.memoryMib})`;
  return transaction.istiodCluster.findUniqueOrThrow({ where: { name } });
}

async function sealAccess(transaction: Transaction, name: string, kubeconfig: string): Promise<void> {
  const binding = {
    tenantId: null,
    purpose: "istiod-cluster-access",
    objectKind: "istiod-cluster",
    objectId: name,
  } as const;
  await storeSealed(transaction, binding, kubeconfig);
}

/**
 * Changes an istiod cluster. A new kubeconfig takes the place of the one before.
 * @returns 200
 * @throws DomainError Forbidden, NotFound, PreconditionRequired, PreconditionFailed, InUse when less capacity is left than is reserved, NoWorker
 */
export async function changeIstiodCluster(
  context: RequestContext,
  input: ChangeInput<ChangeIstiodClusterBody>,
): Promise<Answer<IstiodCluster>> {
  const { kubeconfig, capacity, ...columns } = input.body;
  return changeInCatalogue(context, clusters, input, {
    data: {
      ...pickGiven(columns),
      ...(capacity === undefined
        ? {}
        : {
            capacitySlots: capacity.slots,
            capacityCpuMilli: capacity.cpuMilli,
            capacityMemoryMib: capacity.memoryMib,
          }),
    },
    details: { ...columns, capacity, kubeconfig: kubeconfig === undefined ? undefined : "replaced" },
    isForced: kubeconfig !== undefined,
    update: async (transaction, where, data) => {
      const result = await transaction.istiodCluster.updateMany({ where, data });
      if (kubeconfig !== undefined) await sealAccess(transaction, input.name, kubeconfig);
      return result;
    },
    explain: ({ constraint }) =>
      constraint === "istiod_clusters_capacity"
        ? new DomainError("InUse", "More than that is reserved by revisions that are there. Choose at least as much.", {
            parameter: "capacity",
          })
        : undefined,
  });
}

/** Deletes an istiod cluster without revisions. @returns 204 @throws DomainError Forbidden, NotFound, PreconditionFailed, InUse */
export async function deleteIstiodCluster(context: RequestContext, input: DeleteInput): Promise<Answer<undefined>> {
  return deleteFromCatalogue(context, clusters, input, (transaction, where) =>
    transaction.istiodCluster.deleteMany({ where }),
  );
}
