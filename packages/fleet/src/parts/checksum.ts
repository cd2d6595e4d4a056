import { createHash } from "node:crypto";
import type { BinaryToTextEncoding } from "node:crypto";
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/** The checksum of a file's content. */
export async function hashFile(
  file: string,
  algorithm: "sha256" | "sha512",
  encoding: BinaryToTextEncoding = "hex",
): Promise<string> {
  const hash = createHash(algorithm);
  await pipeline(createReadStream(file), hash);
  return hash.digest(encoding);
}
