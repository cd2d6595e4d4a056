import { createHash } from "node:crypto";
import { isRecord } from "./values.ts";

/** Texts of this length and more are worth keeping once for all who have the same. */
const longText = 2_048;
const mostKept = 4_096;

const parsed = new Map<string, unknown>();
const written = new WeakMap<object, string>();

/**
 * Parses a body. Long ones that came before are the same value again, which nobody changes: a thousand clusters are sent
 * the same definitions.
 */
export function parseShared(body: Buffer): unknown {
  if (body.length < longText) return JSON.parse(body.toString("utf8"));
  const id = createHash("sha1").update(body).digest("base64");
  const found = parsed.get(id);
  if (found !== undefined) return found;
  const value: unknown = JSON.parse(body.toString("utf8"));
  if (parsed.size >= mostKept) parsed.clear();
  parsed.set(id, value);
  return value;
}

function writeValue(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const found = written.get(value);
  if (found !== undefined) return found;
  const text = JSON.stringify(value);
  if (text.length >= longText) written.set(value, text);
  return text;
}

/** JSON of an object, whose long parts are written once for all objects that share them. */
export function writeShared(object: object): string {
  if (!isRecord(object)) return writeValue(object);
  const entries = Object.entries(object).filter(([, value]) => value !== undefined);
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${writeValue(value)}`).join(",")}}`;
}
