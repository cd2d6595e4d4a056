import { readFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { dirname, join, normalize } from "node:path";
import { parseSync, Visitor } from "oxc-parser";
import { fencedPackages, packageRules, scope } from "./import-rules.ts";
import type { PackageRule } from "./import-rules.ts";
import { listFiles } from "./list-files.ts";

const sourceEndings = [".ts", ".tsx", ".mts", ".mjs", ".js"];

/** Fewer files than this means that the check looked in the wrong place. */
const minimumFileCount = 20;

interface FoundImport {
  line: number;
  /** Undefined where the specifier is computed. */
  specifier: string | undefined;
}

/**
 * Checks every import of the repository at `root` against the table of import directions and returns one line per
 * violation (`path:line: what is wrong`). Finding too few files is itself a violation.
 */
export function checkImports(root: string): string[] {
  const paths = listFiles(root, sourceEndings);
  const violations = paths.flatMap((path) => checkSource(path, readFileSync(join(root, path), "utf8")));
  if (paths.length < minimumFileCount) {
    violations.push(`only ${paths.length} source files found under ${root}, expected at least ${minimumFileCount}`);
  }
  return violations;
}

/** Checks one file's text; `path` is from the repository's root. Returns one line per violation. */
export function checkSource(path: string, source: string): string[] {
  const rule = findRule(path);
  if (rule === undefined && /^(packages|apps)\//.test(path)) {
    return [`${path}:1: belongs to no workspace in scripts/import-rules.ts; add a row for it`];
  }
  const { imports, errors } = findImports(path, source);
  if (errors.length > 0) return [`${path}:1: cannot be parsed: ${errors.join("; ")}`];
  return imports.flatMap(({ line, specifier }) => {
    const problem =
      specifier === undefined
        ? "imports a computed specifier, which cannot be checked; write it out"
        : findProblem(path, rule, specifier);
    return problem === undefined ? [] : [`${path}:${line}: ${problem}`];
  });
}

function findRule(path: string): PackageRule | undefined {
  return packageRules.find(({ directory }) => path.startsWith(`${directory}/`));
}

function findProblem(path: string, rule: PackageRule | undefined, specifier: string): string | undefined {
  const importer = rule?.name ?? "a root script";
  if (/^(\/|file:)/.test(specifier)) return `imports the absolute path "${specifier}"`;
  if (specifier.startsWith(".")) {
    const target = normalize(join(dirname(path), specifier));
    if (findRule(target) === rule && !target.startsWith("..")) return undefined;
    return `"${specifier}" leaves ${rule?.directory ?? "the root's scripts"}; import the package by name`;
  }
  if (specifier.startsWith(scope)) {
    const name = specifier.slice(scope.length);
    if (name.includes("/")) return `deep import "${specifier}"; a package is imported by its name only`;
    if (rule?.ours.includes(name) === true) return undefined;
    return `${importer} may not import ${specifier}; it may import ${listNames(rule?.ours ?? [])} of ours`;
  }
  if (isBuiltin(specifier) && rule?.external === undefined) return undefined;
  const packageName = specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
  if (rule?.external?.includes(packageName) === false) {
    return `${importer} may not import ${packageName}; from outside it may import ${listNames(rule.external)}`;
  }
  const fence = fencedPackages.find(({ name }) => name === packageName);
  if (fence !== undefined && !fence.importers.includes(rule?.name ?? "")) {
    return `${importer} may not import ${packageName}; only ${listNames(fence.importers)} may`;
  }
  return undefined;
}

function listNames(names: readonly string[]): string {
  return names.length === 0 ? "nothing" : names.join(", ");
}

/** Finds everything that names a module: imports, re-exports, `import()`, `require()`, and `import("x").T` in types. */
function findImports(path: string, source: string): { imports: FoundImport[]; errors: string[] } {
  const imports: FoundImport[] = [];
  const add = (node: { type: string; start: number; value?: unknown } | null | undefined) => {
    if (!node) return;
    const specifier = node.type === "Literal" && typeof node.value === "string" ? node.value : undefined;
    imports.push({ line: source.slice(0, node.start).split("\n").length, specifier });
  };
  const { program, errors } = parseSync(path, source);
  new Visitor({
    ImportDeclaration: (node) => add(node.source),
    ExportNamedDeclaration: (node) => add(node.source),
    ExportAllDeclaration: (node) => add(node.source),
    ImportExpression: (node) => add(node.source),
    TSImportType: (node) => add(node.source),
    CallExpression: (node) => {
      if (node.callee.type === "Identifier" && node.callee.name === "require") add(node.arguments[0]);
    },
  }).visit(program);
  return { imports, errors: errors.map(({ message }) => message) };
}
