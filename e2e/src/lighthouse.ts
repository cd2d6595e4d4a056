import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { describeMachine, readLoad, replaceSection } from "./document.ts";
import { buildLighthouseReport, type JudgedPage, judgePage } from "./portal/lighthouse-report.ts";
import { openSharedBrowser } from "./portal/find-browser.ts";
import { type PortalPage, portalPages } from "./portal/pages.ts";
import { signIn } from "./portal/people.ts";
import { categories, type LighthouseResult, type Preset, runLighthouse } from "./portal/run-lighthouse.ts";
import { type Stage, startStage } from "./portal/stage.ts";

const block = 82;
const mostRuns = 20;
/** Visits of a page that misses: a burst of other load on a small machine costs one visit up to 15 points. */
const runsInDoubt = 3;

const usage = `Usage: npm run lighthouse -- [--preset PRESET] [--runs N] [--document] [PAGE ...]

Starts the portal on simulated clusters and has Lighthouse visit each page, or those that are named, as somebody who comes for the first
time and is signed in. Ends with 1 when a page has less than 90 points for performance, or less than 95 for accessibility or best practices.

  --preset PRESET  desktop (default) or mobile, as Lighthouse has them
  --runs N         visits of each page, of which the median counts (default 1); a page that misses has at least ${runsInDoubt}
  --document       writes the table into docs/benchmarks.md`;

const documentFile = join(import.meta.dirname, "../../docs/benchmarks.md");
const print = (text: string): void => void process.stdout.write(`${text}\n`);

interface Options {
  preset: Preset;
  runs: number;
  document: boolean;
  pages: PortalPage[];
}

/** What a click opens on another page is no page of its own, and one that is not there has no points. */
const noPages = new Set(["settings-invite", "control-plane-delete", "palette", "not-found"]);
const ownPages = portalPages.filter(({ name }) => !noPages.has(name));

function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    options: {
      preset: { type: "string", default: "desktop" },
      runs: { type: "string", default: "1" },
      document: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
    allowPositionals: true,
  });
  if (values.help) return undefined;
  const { preset, document } = values;
  if (preset !== "desktop" && preset !== "mobile") throw new Error(`--preset is desktop or mobile.\n\n${usage}`);
  const runs = Number(values.runs);
  if (!Number.isInteger(runs) || runs < 1 || runs > mostRuns)
    throw new Error(`--runs is a number from 1 to ${mostRuns}.\n\n${usage}`);
  const unknown = positionals.filter((name) => !ownPages.some((page) => page.name === name));
  if (unknown.length > 0)
    throw new Error(
      `There is no page ${unknown.join(", ")}. Pages are ${ownPages.map(({ name }) => name).join(", ")}.`,
    );
  const pages = ownPages.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  return { preset, runs, document, pages };
}

/** Visits all pages that one person sees, in a browser where only that person has signed in. */
async function visitAs(as: PortalPage["as"], stage: Stage, home: string, options: Options): Promise<JudgedPage[]> {
  const pages = options.pages.filter((page) => page.as === as);
  if (pages.length === 0) return [];
  const { context, port } = await openSharedBrowser(process.env, join(home, `browser-${as}`));
  try {
    if (as !== "nobody") await signIn(context, stage.baseUrl, stage[as]);
    const judged: JudgedPage[] = [];
    for (const page of pages) {
      const url = stage.baseUrl + page.path(stage);
      const visits: LighthouseResult[] = [];
      const visitUntil = async (count: number): Promise<JudgedPage> => {
        while (visits.length < count)
          visits.push(await runLighthouse({ url, port, preset: options.preset, categories }));
        return judgePage(page.name, visits);
      };
      let result = await visitUntil(options.runs);
      if (result.missed.length > 0) result = await visitUntil(runsInDoubt);
      judged.push(result);
      print(`${page.name}: ${[...result.scores.values()].join(", ")}`);
      for (const fault of result.faults) print(`  ${fault}`);
    }
    return judged;
  } finally {
    await context.close();
  }
}

async function run(): Promise<void> {
  const options = readOptions();
  if (options === undefined) return print(usage);
  const home = await mkdtemp(join(tmpdir(), "pilothouse-lighthouse-"));
  const stage = await startStage({ home, environment: process.env, block, say: print });
  try {
    const loadBefore = readLoad();
    const pages: JudgedPage[] = [];
    for (const as of ["nobody", "member", "operator"] as const)
      pages.push(...(await visitAs(as, stage, home, options)));
    const each = options.runs === 1 ? "one visit of each" : `medians of ${options.runs} visits of each`;
    const visits = options.runs < runsInDoubt ? `${each}, the median of ${runsInDoubt} where that missed` : each;
    const machine = describeMachine("the service, simulated clusters and the browser", loadBefore);
    const report = buildLighthouseReport(pages, `${machine} Preset ${options.preset}, ${visits}.`);
    print(`\n${report}\n`);
    if (options.document) {
      const text = await readFile(documentFile, "utf8");
      await writeFile(documentFile, replaceSection(text, `lighthouse ${options.preset}`, report));
      print("docs/benchmarks.md has it.");
    }
    const missed = pages.filter((page) => page.missed.length > 0).length;
    if (missed > 0) process.exitCode = 1;
    print(`${pages.length - missed} passed, ${missed} failed`);
  } finally {
    await stage.stop();
  }
  await rm(home, { recursive: true, force: true });
}

try {
  await run();
} catch (error) {
  process.stderr.write(`lighthouse: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
