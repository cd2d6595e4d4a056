import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Where programs of people's are: what they read of the environment is theirs to set. */
const sources = ["{apps,packages}/*/src/**/*.ts", "scripts/node.mjs"];

/** What the system, Node or Next set, or Pilothouse for what it starts itself. */
const notOurs = new Set(["PATH", "NODE_ENV", "NEXT_RUNTIME", "NEXTAUTH_URL", "LD_LIBRARY_PATH"]);

/** How the environment is read here: by name, by taking it apart, or by a schema, whose keys alone are all capitals. */
const readings = [
  /\b(?:environment|env)\??\.?\[\s*"([A-Z][A-Z0-9_]*)"\s*\]/g,
  /\bprocess\.env\.([A-Z][A-Z0-9_]*)\b/g,
  /^\s+([A-Z][A-Z0-9_]{3,}): (?:z\b|count\()/gm,
];

/** The environment variables that programs of this repository read. */
export function listVariables(root: string): string[] {
  const found = new Set<string>();
  for (const path of globSync(sources, { cwd: root, exclude: (each) => /\.test\.ts$|\/generated(\/|$)/.test(each) })) {
    const text = readFileSync(join(root, path), "utf8");
    for (const pattern of readings)
      for (const [, name] of text.matchAll(pattern)) if (name !== undefined) found.add(name);
    for (const [, parts = ""] of text.matchAll(/const \{([^}]*)\} = process\.env\b/g))
      for (const [name] of parts.matchAll(/\b[A-Z][A-Z0-9_]{3,}\b/g)) found.add(name);
  }
  return [...found].filter((name) => !notOurs.has(name)).toSorted();
}

/** Checks that the README's table of the configuration has every variable that programs read, and no other. Returns one line per fault. */
export function checkConfiguration(root: string): string[] {
  const [, section] = readFileSync(join(root, "README.md"), "utf8").split(/^## Configuration$/m);
  const table = section?.split(/^## /m)[0] ?? "";
  const told = [...table.matchAll(/^\| `([A-Z][A-Z0-9_]*)` /gm)].flatMap(([, name]) => name ?? []);
  const read = listVariables(root);
  return [
    ...read
      .filter((name) => !told.includes(name))
      .map((name) => `README.md: ${name} is read by a program, and is not in the table of the configuration`),
    ...told
      .filter((name) => !read.includes(name))
      .map((name) => `README.md: ${name} is in the table of the configuration, and no program reads it`),
    ...told.filter((name, index) => told.indexOf(name) !== index).map((name) => `README.md: ${name} is there twice`),
  ];
}
