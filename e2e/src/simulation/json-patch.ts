import { isRecord, listAt, textAt, valueAt } from "./values.ts";

/** A copy of `document` after the operations of a JSON patch that webhooks send: `add`, `replace` and `remove` (RFC 6902). */
export function patchDocument(document: object, patch: unknown): unknown {
  const root = { document: structuredClone(document) };
  for (const operation of Array.isArray(patch) ? patch : []) {
    const keys = textAt(operation, "path")
      .split("/")
      .slice(1)
      .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~"));
    const last = keys.pop() ?? "";
    let parent: unknown = root.document;
    for (const key of keys) parent = Array.isArray(parent) ? parent[Number(key)] : valueAt(parent, key);
    patchAt(parent, last, textAt(operation, "op"), valueAt(operation, "value"));
  }
  return root.document;
}

function patchAt(parent: unknown, key: string, op: string, value: unknown): void {
  if (Array.isArray(parent)) {
    const index = key === "-" ? parent.length : Number(key);
    if (op === "remove") parent.splice(index, 1);
    else parent.splice(index, op === "add" ? 0 : 1, value);
  } else if (isRecord(parent)) {
    if (op === "remove") Reflect.deleteProperty(parent, key);
    else parent[key] = value;
  } else throw new Error(`the patch leads nowhere: ${key}`);
}

/** Reads the patch of an AdmissionReview's response. */
export function readPatch(response: unknown): unknown[] {
  const text = Buffer.from(textAt(response, "patch"), "base64").toString("utf8");
  const operations: unknown = text === "" ? [] : JSON.parse(text);
  return listAt({ operations }, "operations");
}
