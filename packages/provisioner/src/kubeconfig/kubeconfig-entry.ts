import { isRecord } from "../kube/field-at.ts";
import { createKubeconfigError, quoteName } from "./kubeconfig-error.ts";

/** A part of the kubeconfig together with its path in it, such as `kubeconfig.users[0].user`. */
export interface Entry {
  path: string;
  fields: Record<string, unknown>;
}

/** The text at a field. Absent, null and empty are all undefined, as they are for kubectl. */
export function readText(entry: Entry, name: string): string | undefined {
  const value = readField(entry, name);
  if (value === undefined || value === null || value === "") return undefined;
  if (typeof value === "string") return value;
  throw createKubeconfigError(
    "KubeconfigWrongType",
    `${entry.path}.${name}`,
    `${entry.path}.${name} must be text. If it only looks like a number or a truth value, put it in quotes.`,
  );
}

/** Whether a switch is on. */
export function readSwitch(entry: Entry, name: string): boolean {
  const value = readField(entry, name);
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  throw createKubeconfigError(
    "KubeconfigWrongType",
    `${entry.path}.${name}`,
    `${entry.path}.${name} must be true or false.`,
  );
}

/** Whether a field says anything: absent, null, empty text, empty list and empty map don't. */
export function hasContent(entry: Entry, name: string): boolean {
  const value = readField(entry, name);
  if (Array.isArray(value)) return value.length > 0;
  if (isRecord(value)) return Object.keys(value).length > 0;
  return value !== undefined && value !== null && value !== "";
}

/**
 * The entry of a kubeconfig's list (`clusters`, `users`, `contexts`) that has a name.
 *
 * @param listName the list's name
 * @param fieldName where the entry keeps its content: `cluster`, `user` or `context`
 * @returns undefined when no entry has the name
 */
export function findEntry(root: Entry, listName: string, fieldName: string, wanted: string): Entry | undefined {
  const list = readField(root, listName) ?? [];
  const path = `${root.path}.${listName}`;
  if (!Array.isArray(list)) {
    throw createKubeconfigError("KubeconfigWrongType", path, `${path} must be a list.`);
  }
  let found: Entry | undefined;
  for (const [index, item] of list.entries()) {
    const place = `${path}[${index}]`;
    if (!isRecord(item))
      throw createKubeconfigError("KubeconfigWrongType", place, `${place} must be an entry with a name.`);
    if (readText({ path: place, fields: item }, "name") !== wanted) continue;
    if (found) {
      throw createKubeconfigError(
        "KubeconfigNameAmbiguous",
        `${place}.name`,
        `${path} has more than one entry named ${quoteName(wanted)}. Keep the one that is meant.`,
      );
    }
    const content = item[fieldName] ?? {};
    if (!isRecord(content)) {
      throw createKubeconfigError(
        "KubeconfigWrongType",
        `${place}.${fieldName}`,
        `${place}.${fieldName} must have fields.`,
      );
    }
    found = { path: `${place}.${fieldName}`, fields: content };
  }
  return found;
}

/** Refuses fields that aren't known: one of them could change what the connection does. */
export function assertKnownFields(entry: Entry, known: readonly string[]): void {
  const unknown = Object.keys(entry.fields).find((name) => !known.includes(name));
  if (unknown === undefined) return;
  throw createKubeconfigError(
    "KubeconfigUnknownField",
    `${entry.path}.${unknown.slice(0, 80)}`,
    `${entry.path} has a field ${quoteName(unknown)} that Pilothouse doesn't know, and so can't follow. Remove it.`,
  );
}

function readField(entry: Entry, name: string): unknown {
  return Object.hasOwn(entry.fields, name) ? entry.fields[name] : undefined;
}
