import { readFile } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { request } from "node:https";
import { text } from "node:stream/consumers";
import { z } from "zod";
import { readTestGround } from "./test-fleet.ts";

const RangeSchema = z.object({ kvs: z.array(z.object({ key: z.base64(), value: z.base64() })).default([]) });

const toBase64 = (plain: string): string => Buffer.from(plain, "utf8").toString("base64");
const fromBase64 = (encoded: string): string => Buffer.from(encoded, "base64").toString("utf8");

/** Every record in the store of the shared fleet's name server, as `key value`, sorted. */
export async function listDnsRecords(): Promise<string[]> {
  const { endpoint, prefix, authorityFile, certificateFile, keyFile } = (await readTestGround()).status.dns.records;
  const [ca, cert, key] = await Promise.all([authorityFile, certificateFile, keyFile].map((file) => readFile(file)));
  // The range of all keys that begin with the prefix ends where its last character is one higher.
  const end = `${prefix.slice(0, -1)}${String.fromCodePoint((prefix.codePointAt(prefix.length - 1) ?? 0) + 1)}`;
  const response = await new Promise<IncomingMessage>((settle, fail) => {
    const options = { method: "POST", ca, cert, key, agent: false, signal: AbortSignal.timeout(5_000) };
    request(new URL("/v3/kv/range", endpoint), options, settle)
      .on("error", fail)
      .end(JSON.stringify({ key: toBase64(prefix), range_end: toBase64(end) }));
  });
  const body = await text(response);
  if (response.statusCode !== 200) throw new Error(`${endpoint} answered ${response.statusCode}: ${body}`);
  return RangeSchema.parse(JSON.parse(body))
    .kvs.map((pair) => `${fromBase64(pair.key)} ${fromBase64(pair.value)}`)
    .toSorted();
}
