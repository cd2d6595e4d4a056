import { v7 as uuid } from "uuid";
import { type Database, withPlatform } from "../database/connect.ts";
import { hashApiKey } from "./authenticate-api-key.ts";
import { shortenApiKey } from "./make-api-key.ts";

/** Fewest characters of a key that is handed in: 128 random bits in hexadecimal. */
const shortestKey = 32;

/**
 * Makes a text that whoever starts the service chose a key of the platform, so that there is a first one to make others with. Does nothing
 * when it is known already, also when it was revoked since.
 * @param database as the web role
 * @throws Error when the text is too short to be a secret
 */
export async function ensurePlatformKey(database: Database, key: string): Promise<void> {
  if (key.length < shortestKey) {
    throw new Error(
      `The platform's first key has ${key.length} characters; it needs at least ${shortestKey} random ones.`,
    );
  }
  const prefix = shortenApiKey(key);
  await withPlatform(database, async (transaction) => {
    const id = uuid();
    const data = { id, tenantId: null, name: "first", role: "platform", prefix, hash: hashApiKey(key) };
    const { count } = await transaction.apiKey.createMany({ data, skipDuplicates: true });
    if (count === 0) return;
    const object = { objectKind: "api-key", objectId: id, objectName: data.name };
    await transaction.auditEntry.createMany({
      data: { actor: "owner", verb: "createApiKey", requestId: "", ...object },
    });
  });
}
