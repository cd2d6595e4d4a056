/** What must be found nowhere, and what to call it instead. */
export interface Secret {
  name: string;
  value: string | Buffer;
}

/** Any stretch of a secret that is at least twice as long as this, less one, is found. In characters of the form that it is in. */
const windowLength = 24;

/** Characters of base64 that belong to bytes that come before, by how many those are beyond a multiple of three. */
const foreignCharacters = [0, 2, 3] as const;

/** How the bytes look inside of longer base64, by where in a group of three they begin. Without what the bytes around them have a part in. */
function encodeWithin(bytes: Buffer, offset: 0 | 1 | 2): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString("base64")
    .replace(/=+$/, "");
  const end = (offset + bytes.length) % 3 === 0 ? text.length : text.length - 1;
  return text.slice(foreignCharacters[offset], end);
}

/** Every form in which a secret is looked for: as it is, in JSON, in hex, and in both alphabets of base64 at any place of longer base64. */
export function listForms(value: string | Buffer): string[] {
  const bytes = Buffer.from(value);
  const hex = bytes.toString("hex");
  const encoded = ([0, 1, 2] as const).map((offset) => encodeWithin(bytes, offset));
  return [
    ...(typeof value === "string" ? [value, JSON.stringify(value).slice(1, -1)] : []),
    hex,
    hex.toUpperCase(),
    ...encoded,
    ...encoded.map((text) => text.replaceAll("+", "-").replaceAll("/", "_")),
  ];
}

const filterBits = 20;

/** One of 2^20 places for the characters of a window, by some of them. */
function hashWindow(text: string, at: number): number {
  let hash = 0;
  for (const step of [0, 3, 7, 11, 16, 20, 23]) hash = Math.imul(hash ^ text.charCodeAt(at + step), 0x9e3779b1) >>> 3;
  return hash & ((1 << filterBits) - 1);
}

/**
 * Makes a search for many secrets at once, in texts of many megabytes.
 * @returns what answers the names of the secrets that a text holds in any form, whole or in parts
 */
export function createSecretSearch(secrets: readonly Secret[]): (text: string) => string[] {
  const windows = new Map<string, Set<string>>();
  const filter = new Uint8Array(1 << filterBits);
  for (const { name, value } of secrets) {
    for (const form of listForms(value)) {
      for (let at = 0; at < form.length; at += windowLength) {
        const from = Math.min(at, form.length - windowLength);
        // What is shorter than a window would be found everywhere.
        if (from < 0) continue;
        const window = form.slice(from, from + windowLength);
        const names = windows.get(window) ?? new Set();
        windows.set(window, names.add(name));
        filter[hashWindow(window, 0)] = 1;
      }
    }
  }
  return (text) => {
    const found = new Set<string>();
    for (let at = 0; at + windowLength <= text.length; at += 1) {
      if (filter[hashWindow(text, at)] === 0) continue;
      for (const name of windows.get(text.slice(at, at + windowLength)) ?? []) found.add(name);
    }
    return [...found].toSorted();
  };
}
