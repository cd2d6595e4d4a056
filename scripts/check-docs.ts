import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { z } from "zod";
import { ignoredDirectories, listFiles } from "./list-files.ts";
import { readCommands } from "./read-commands.ts";

const manifestSchema = z.object({ scripts: z.record(z.string(), z.string()).default({}) });

/** What a document can refer to. */
export interface DocsContext {
  /** Repository's root. */
  root: string;
  /** Names of the scripts in the root's package.json. */
  scripts: ReadonlySet<string>;
  /** Names of the folders at the root: a path in backticks that starts with one is a path of this repository. */
  topDirectories: ReadonlySet<string>;
}

/** Folders that count as the repository's own even when they are gone: a mention of them must not pass unseen. */
const expectedDirectories = ["docs", "e2e", "packages", "scripts"];

/** Documents whose commands a test runs as they stand there: each block says so, or why not. */
const runDocuments = /^(README\.md|docs\/guide\/.+\.md)$/;

/** Made by `npm run screenshots`; where none has been made yet, none is missing. */
const pictures = "docs/screenshots";

/**
 * Checks that what the repository's Markdown files name exists: relative links and their anchors, pictures, paths in backticks, and
 * scripts in `npm run NAME`; and that blocks of commands say whether a test runs them, where they are to. Returns one line per broken reference (`path:line: what is wrong`).
 */
export function checkDocs(root: string): string[] {
  const context: DocsContext = {
    root,
    scripts: new Set(readScriptNames(root)),
    topDirectories: new Set([
      ...expectedDirectories,
      ...readdirSync(root, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() && !ignoredDirectories.has(entry.name) ? [entry.name] : [],
      ),
    ]),
  };
  const paths = listFiles(root, [".md"]);
  if (paths.length === 0) return [`no Markdown file found under ${root}`];
  return paths.flatMap((path) => checkDocument(path, readFileSync(join(root, path), "utf8"), context));
}

/** Checks one document's text; `path` is from the repository's root. Returns one line per broken reference. */
function checkDocument(path: string, text: string, context: DocsContext): string[] {
  const problems: string[] = [];
  let inFence = false;
  if (runDocuments.test(path))
    for (const { line, isMarked } of readCommands(text))
      if (!isMarked) problems.push(`${path}:${line}: these commands don't say whether a test runs them, or why not`);
  for (const [index, line] of text.split("\n").entries()) {
    const report = (problem: string) => problems.push(`${path}:${index + 1}: ${problem}`);
    if (/^\s*(```|~~~)/.test(line)) inFence = !inFence;
    for (const name of findMatches(line, /\bnpm run ([\w:-]+)/g)) {
      if (!context.scripts.has(name)) report(`\`npm run ${name}\`: no such script in package.json`);
    }
    if (inFence) continue;
    for (const span of findMatches(line, /`([^`]+)`/g)) {
      if (isRepositoryPath(span, context) && !exists(context.root, span)) report(`\`${span}\` does not exist`);
    }
    const prose = line.replaceAll(/`[^`]*`/g, "");
    for (const target of [
      ...findMatches(prose, /\]\(<?([^)>\s]+)>?(?:\s+"[^"]*")?\)/g),
      ...findMatches(prose, /^\s*\[[^\]]+\]:\s+<?([^>\s]+)>?/g),
      ...findMatches(prose, /\b(?:src|srcset)="([^"]+)"/g),
    ]) {
      const problem = findLinkProblem(path, text, target, context);
      if (problem !== undefined) report(problem);
    }
  }
  return problems;
}

function findLinkProblem(path: string, text: string, target: string, context: DocsContext): string | undefined {
  if (/^[a-z][\w+.-]*:/i.test(target)) return undefined;
  const [file = "", anchor] = target.split("#");
  const linked = file === "" ? path : normalize(join(dirname(path), decodeURIComponent(file)));
  if (linked.startsWith("..")) return `link "${target}" leaves the repository`;
  if (linked.startsWith(`${pictures}/`) && !existsSync(join(context.root, pictures))) return undefined;
  if (!existsSync(join(context.root, linked)) && linked !== path) return `link "${target}": ${linked} does not exist`;
  if (anchor === undefined || !linked.endsWith(".md")) return undefined;
  const linkedText = linked === path ? text : readFileSync(join(context.root, linked), "utf8");
  return listAnchors(linkedText).includes(anchor) ? undefined : `link "${target}": ${linked} has no such heading`;
}

/** Lists the anchors that a Markdown viewer makes of the headings (GitHub's way: lower case, dashes for spaces). */
function listAnchors(text: string): string[] {
  return findMatches(text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, ""), /^#{1,6}\s+(.+?)\s*#*$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(/\s/g, "-"),
  );
}

/** Tells a path of this repository (`packages/fleet/src/cli.ts`, `e2e/`) from other things with a slash (`apps/v1`). */
function isRepositoryPath(span: string, { topDirectories }: DocsContext): boolean {
  if (!/^[\w.@*-]+(\/[\w.@*-]+)*\/?$/.test(span) || !span.includes("/")) return false;
  if (/^[a-z.]+\/v\d+((alpha|beta)\d+)?$/.test(span)) return false;
  const [first = ""] = span.split("/");
  return topDirectories.has(first);
}

function exists(root: string, path: string): boolean {
  return path.includes("*") ? globSync(path, { cwd: root }).length > 0 : existsSync(join(root, path));
}

function findMatches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].flatMap(([, match]) => (match === undefined ? [] : [match]));
}

function readScriptNames(root: string): string[] {
  const { scripts } = manifestSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  return Object.keys(scripts);
}
