import type { Transaction } from "../database/connect.ts";
import { notFound } from "../errors.ts";
import type { ControlPlane, Revision } from "../generated/client.ts";
import { wakeWork } from "../change/wake-work.ts";

/**
 * Takes a control plane for a change: nobody else changes it, or its revisions, until the transaction has ended. Work items come first, as they do
 * when a worker writes back: in one order, the two never wait for each other in a circle.
 * @returns the control plane and its revisions, newest first, whose work items have been woken
 * @throws DomainError NotFound
 */
export async function lockControlPlane(
  transaction: Transaction,
  tenantId: string,
  name: string,
): Promise<{ controlPlane: ControlPlane; revisions: Revision[] }> {
  const found = await transaction.controlPlane.findFirst({ where: { tenantId, name }, select: { id: true } });
  if (found === null) throw notFound("control plane", name);
  const woken = await transaction.revision.findMany({
    where: { tenantId, controlPlaneId: found.id },
    select: { id: true, istiodClusterName: true },
    orderBy: { id: "asc" },
  });
  for (const { id, istiodClusterName } of woken) {
    await wakeWork(transaction, { kind: "revision", objectId: id, tenantId, shard: istiodClusterName });
  }
  await transaction.$executeRaw`SELECT 1 FROM control_planes WHERE id = ${found.id}::uuid FOR UPDATE`;
  const controlPlane = await transaction.controlPlane.findFirst({ where: { tenantId, id: found.id } });
  if (controlPlane === null) throw notFound("control plane", name);
  const revisions = await transaction.revision.findMany({
    where: { tenantId, controlPlaneId: found.id },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
  });
  return { controlPlane, revisions };
}
