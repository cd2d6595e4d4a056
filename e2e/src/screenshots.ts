import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { openBrowser } from "./portal/find-browser.ts";
import { portalPages } from "./portal/pages.ts";
import { shrinkPicture } from "./portal/shrink-picture.ts";
import { startStage } from "./portal/stage.ts";
import { createVisitor, looks } from "./portal/visit-page.ts";

const usage = `Usage: npm run screenshots -- [--folder FOLDER] [PAGE ...]

Starts the portal on simulated clusters and takes a picture of each page, or of those that are named: desktop and phone, light and dark.
Ends with 1 when a page had errors in its console, was refused something, or was too wide.

  --folder FOLDER  where to (default docs/screenshots)`;

const block = 80;
/** What is below is left out of a picture, in CSS pixels: it stays small, and shows what a page begins with. */
const mostHeight = { desktop: 1_050, phone: 1_500 } as const;
const print = (text: string): void => void process.stdout.write(`${text}\n`);

async function run(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { folder: { type: "string" }, help: { type: "boolean", short: "h", default: false } },
    allowPositionals: true,
  });
  if (values.help) return print(usage);
  const folder = values.folder ?? join(import.meta.dirname, "../../docs/screenshots");
  const chosen = portalPages.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const home = await mkdtemp(join(tmpdir(), "pilothouse-screenshots-"));
  const stage = await startStage({ home, environment: process.env, block, say: print });
  const browser = await openBrowser(process.env);
  try {
    await mkdir(folder, { recursive: true });
    const visitor = await createVisitor(browser, stage);
    for (const entry of chosen) {
      for (const look of looks) {
        const path = join(folder, `${entry.name}-${look.device}-${look.theme}.png`);
        const faults = await visitor.visit(entry, look, async ({ page, faults: found }) => {
          const width = page.viewportSize()?.width ?? 0;
          // What lies over a page covers what is seen of it, and no more.
          const isCovered = (await page.getByRole("dialog").count()) > 0;
          const shown = isCovered ? page.viewportSize()?.height : undefined;
          const height = shown ?? (await page.evaluate(() => document.documentElement.scrollHeight));
          const picture = await page.screenshot({
            fullPage: true,
            clip: { x: 0, y: 0, width, height: Math.min(height, mostHeight[look.device]) },
          });
          await writeFile(path, shrinkPicture(picture));
          return found;
        });
        for (const fault of faults) print(`${entry.name}, ${look.device}, ${look.theme}: ${fault}`);
        if (faults.length > 0) process.exitCode = 1;
      }
    }
    print(`${chosen.length * looks.length} pictures are in ${folder}`);
  } finally {
    await browser.close();
    await stage.stop();
  }
  await rm(home, { recursive: true, force: true });
}

await run();
