import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import { type Browser, expect as expectPage } from "@playwright/test";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "../../src/portal/find-browser.ts";
import { type PortalPage, portalPages } from "../../src/portal/pages.ts";
import { type Stage, startStage } from "../../src/portal/stage.ts";
import { createVisitor, looks, type Visitor } from "../../src/portal/visit-page.ts";
import { testBehaviour } from "./behaviour-tests.ts";

/** Second number of the addresses of the simulated clusters. */
const block = 81;
/** Until what has not worked for a while is seen to work again, in milliseconds: proven once a minute, a fifth more or less, and within 12 s. */
const returnLimitMs = 90_000;

let home: string;
let stage: Stage;
let browser: Browser;
let visitor: Visitor;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "pilothouse-portal-"));
  stage = await startStage({ home, environment: process.env, block });
  browser = await openBrowser(process.env);
  visitor = await createVisitor(browser, stage);
}, 300_000);

afterAll(async () => {
  await browser.close();
  await stage.stop();
  await rm(home, { recursive: true, force: true });
});

const findPage = (name: string): PortalPage => {
  const found = portalPages.find((page) => page.name === name);
  if (found === undefined) throw new Error(`there is no page ${name}`);
  return found;
};

/** A phone has no colours of its own: one theme is enough there. */
const seenLooks = looks.filter(({ device, theme }) => device === "desktop" || theme === "light");

const cases = portalPages.flatMap((entry) =>
  seenLooks.map((look) => ({ entry, look, title: `${entry.name}, ${look.device}, ${look.theme}` })),
);

test.for(cases)(
  "$title: nothing that axe finds, no error, no foreign origin, not too wide",
  async ({ entry, look }) => {
    await visitor.visit(entry, look, async ({ page, faults }) => {
      const { violations } = await new AxeBuilder({ page }).analyze();
      const found = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(" ")).join(", ")}`,
      );
      expect(found).toEqual([]);
      expect(faults).toEqual([]);
    });
  },
);

const desktop = { device: "desktop", theme: "light" } as const;

test("the keyboard is enough: what has a name is found and opened, and a list is searched", async () => {
  await visitor.visit(findPage("overview"), desktop, async ({ page }) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type("shop");
    await page.getByRole("option", { name: "shop" }).first().waitFor();
    await page.keyboard.press("Enter");
    await page.waitForURL((url) => url.pathname === `/tenants/${stage.tenant}/control-planes/shop`);
    await page.getByRole("heading", { name: "The live path" }).waitFor();
  });
  await visitor.visit(findPage("control-planes"), desktop, async ({ page }) => {
    await page.keyboard.press("/");
    await page.keyboard.type("phase:degraded");
    await page.getByText("1 of 6 control planes").waitFor();
    expect(new URL(page.url()).searchParams.get("q")).toBe("phase:degraded");
  });
});

test("an edge that comes back is seen without a reload, by the tenant and by the operator", async () => {
  await visitor.visit(findPage("control-plane-failing"), desktop, ({ page: tenants }) =>
    visitor.visit(findPage("fleet"), desktop, async ({ page: operators }) => {
      const probe = (tone: string) => tenants.locator(`[data-probe="certificate"][data-tone="${tone}"]`);
      const notice = tenants.getByText("This control plane does not serve its mesh");
      const failing = operators.getByRole("link", { name: "1 of 8 does not serve" });
      await probe("bad").waitFor();
      await failing.waitFor();
      await notice.waitFor();
      await stage.simulation.setOpen(stage.lostEdge, true);
      await probe("ok").waitFor({ timeout: returnLimitMs });
      await failing.waitFor({ state: "detached", timeout: returnLimitMs });
      // The tenant's page hears of it apart from the operator's, and may do so a moment later.
      await expectPage(notice).toHaveCount(0, { timeout: returnLimitMs });
    }),
  );
}, 240_000);

testBehaviour(() => ({ stage, browser }));
