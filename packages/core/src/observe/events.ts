import type { Transaction } from "../database/connect.ts";

/** Something that happened to a tenant's object; belongs into the transaction that made it so. */
export interface NewEvent {
  tenantId: string;
  /** `<kind of object>.<what>` */
  type: string;
  objectKind: string;
  objectId: string;
  objectName: string;
  reason?: string;
  message?: string;
}

/** Inserts an event; whoever listens is told at the transaction's end. */
export async function insertEvent(transaction: Transaction, event: NewEvent): Promise<void> {
  await transaction.event.createMany({ data: [event] });
}
