import type { Database } from "../database/connect.ts";

/** Makes known the public halves of a worker's keys, so that others can seal to them. Known ones stay as they are. */
export async function registerSealingKeys(
  database: Database,
  keys: readonly { id: string; publicKey: Uint8Array }[],
): Promise<void> {
  await database.sealingKey.createMany({
    data: keys.map(({ id, publicKey }) => ({ id, publicKey: Uint8Array.from(publicKey) })),
    skipDuplicates: true,
  });
}
