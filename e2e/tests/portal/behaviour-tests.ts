import { type Browser, type BrowserContext, expect as expectPage, type Page } from "@playwright/test";
import { operations, problemMediaType } from "@pilothouse/contract";
import { expect, test } from "vitest";
import { makeMember, type Person, signIn } from "../../src/portal/people.ts";
import type { Stage } from "../../src/portal/stage.ts";
import { watchFaults } from "../../src/portal/visit-page.ts";

/** What the tests play on; there when a test runs. */
export interface World {
  stage: Stage;
  browser: Browser;
}

/** A zone and a language in which hardly anything is as it is on the server. */
const farAway = { timezoneId: "Pacific/Kiritimati", locale: "de-DE" } as const;

/** Until a web server that has begun again is found by a page, in milliseconds. */
const returnLimitMs = 15_000;

async function createKey(service: Stage["service"], tenant: string): Promise<string> {
  const body = { name: "rows", role: "viewer" } as const;
  const made = await service.platform.call(operations.createTenantApiKey, { params: { tenant }, body });
  return made.body.key ?? "";
}

async function withPage(
  { stage, browser }: World,
  person: Person,
  act: (page: Page, context: BrowserContext) => Promise<void>,
): Promise<void> {
  const context = await browser.newContext({ reducedMotion: "reduce", ...farAway });
  context.setDefaultTimeout(10_000);
  try {
    await signIn(context, stage.baseUrl, person);
    await act(await context.newPage(), context);
  } finally {
    await context.close();
  }
}

const isLive = (page: Page): Promise<void> => page.locator("[data-live=live]").waitFor();

const answerProblem = (status: number, code: string, detail: string, parameter?: string) => ({
  status,
  contentType: problemMediaType,
  body: JSON.stringify({
    type: `urn:pilothouse:problem:${code}`,
    title: code,
    status,
    code,
    detail,
    requestId: "request-4711",
    ...(parameter === undefined ? {} : { parameter }),
  }),
});

/** How pages behave when something is not as usual: what is lost, refused, asked for wrongly, or much. */
export function testBehaviour(findWorld: () => World): void {
  test("a web server that is killed is said; when it is back, the page shows what happened meanwhile", async () => {
    const world = findWorld();
    const { service, tenant, member, baseUrl } = world.stage;
    await withPage(world, member, async (page) => {
      await page.goto(`${baseUrl}/tenants/${tenant}/settings`);
      await isLive(page);
      service.web.signal("SIGKILL");
      await page.getByText("Pilothouse can’t be reached, since").waitFor();
      await service.startWeb();
      const body = { email: "late@acme.example", role: "viewer" } as const;
      await service.platform.call(operations.addTenantMember, { params: { tenant }, body });
      await page.locator("[data-live=live]").waitFor({ timeout: returnLimitMs });
      await page.getByRole("cell", { name: /^late@acme.example/ }).waitFor();
      expect(await page.getByText("Pilothouse can’t be reached").count()).toBe(0);
    });
  });

  test("a session that is ended elsewhere is said; what was entered stays, and goes on after a new sign-in", async () => {
    const world = findWorld();
    const { tenant, member, baseUrl } = world.stage;
    await withPage(world, member, async (page, context) => {
      await page.goto(`${baseUrl}/tenants/${tenant}/clusters/connect`);
      await isLive(page);
      await page.getByLabel("Name", { exact: true }).fill("half-done");
      await withPage(world, member, async (other) => {
        await other.goto(`${baseUrl}/tenants/${tenant}/settings`);
        await other.getByText("this one").waitFor();
        const buttons = other.getByRole("button", { name: "Sign out", exact: true });
        for (let left = await buttons.count(); left > 0; left -= 1) {
          await buttons.first().click();
          await expectPage(buttons).toHaveCount(left - 1);
        }
        await page.getByText("Your session is over").waitFor();
      });
      expect(await page.getByRole("link", { name: "Sign in again" }).getAttribute("href")).toBe(
        `/sign-in?next=${encodeURIComponent(`/tenants/${tenant}/clusters/connect`)}`,
      );
      await signIn(context, baseUrl, member);
      await page.evaluate(() => dispatchEvent(new Event("focus")));
      await isLive(page);
      expect(await page.getByLabel("Name", { exact: true }).inputValue()).toBe("half-done");
      expect(await page.getByText("Your session is over").count()).toBe(0);
    });
  });

  test("a viewer is offered nothing that is refused, and is told why", async () => {
    const world = findWorld();
    const { service, tenant, baseUrl } = world.stage;
    const noor = { email: "noor@acme.example", displayName: "Noor Haddad", password: "a buoy off the east pier" };
    await withPage(world, await makeMember(service, noor, [{ tenant, role: "viewer" }]), async (page) => {
      const why = "This needs the role operator, and yours is viewer.";
      for (const [path, action] of [
        ["/clusters", "Connect a cluster"],
        ["/control-planes", "Create control plane"],
        ["/control-planes/shop", "Delete"],
        ["/clusters/shop", "Disconnect"],
      ] as const) {
        await page.goto(`${baseUrl}/tenants/${tenant}${path}`);
        const button = page.getByRole("button", { name: action }).first();
        await expectPage(button).toBeDisabled();
        await expectPage(button).toHaveAccessibleDescription(why);
      }
      await page.goto(`${baseUrl}/tenants/${tenant}/control-planes/new`);
      await page.getByText("You can’t create control planes").waitFor();
      await expectPage(page.getByRole("button", { name: "Create control plane" })).toBeDisabled();
      await page.goto(`${baseUrl}/tenants/${tenant}/settings`);
      await page.getByText("Keys are made, seen and revoked by admins and owners.").waitFor();
      await expectPage(page.getByRole("button", { name: "Invite" })).toBeDisabled();
    });
  });

  test("a search is kept by links, sign-in, back and forward; fields that there are not are named", async () => {
    const world = findWorld();
    const { tenant, member, baseUrl } = world.stage;
    const list = `${baseUrl}/tenants/${tenant}/control-planes?q=cluster%3Ashop+zone%3Aa&sort=-nonsense`;
    const context = await world.browser.newContext(farAway);
    try {
      const page = await context.newPage();
      const faults = watchFaults(page, baseUrl);
      await page.goto(list);
      await page.getByLabel("E-mail").fill(member.email);
      await page.getByLabel("Password").fill(member.password);
      await page.getByRole("button", { name: "Sign in" }).click();
      await page.getByText("No field is called zone").waitFor();
      expect(new URL(page.url()).searchParams.get("q")).toBe("cluster:shop zone:a");
      const search = page.getByRole("searchbox");
      await search.fill("phase:ready");
      await page.getByRole("button", { name: "Version" }).click();
      await page.getByText("of 6 control planes").waitFor();
      await page.getByRole("link", { name: "shop", exact: true }).first().click();
      await page.getByRole("heading", { name: "The live path" }).waitFor();
      await page.goBack();
      await expectPage(search).toHaveValue("phase:ready");
      await expectPage(page.getByRole("columnheader", { name: "Version" })).toHaveAttribute("aria-sort", "ascending");
      await page.goForward();
      await page.getByRole("heading", { name: "The live path" }).waitFor();
      expect(faults).toEqual([]);
    } finally {
      await context.close();
    }
  });

  test("what can't be read is not shown as nothing: it says what failed under which request, and is tried again", async () => {
    const world = findWorld();
    const { tenant, member, baseUrl } = world.stage;
    await withPage(world, member, async (page) => {
      const refused = answerProblem(409, "InUse", "It rests just now.");
      for (const list of ["clusters", "control-planes"])
        await page.route(`**/api/v1/tenants/${tenant}/${list}?**`, (route) => route.fulfill(refused));
      await page.goto(`${baseUrl}/tenants/${tenant}`);
      const alert = page.getByRole("alert").filter({ hasText: "It rests just now." });
      await expectPage(alert).toContainText("request-4711");
      expect(await page.getByText(/From a kubeconfig|No control plane yet|Everything that can be seen/).count()).toBe(
        0,
      );
      await page.unrouteAll();
      await alert.getByRole("button", { name: "Try again" }).click();
      await page.getByRole("link", { name: /of 6 serve/ }).waitFor();
      expect(await alert.count()).toBe(0);
    });
  });

  test("what is known of a control plane is shown while its revision can't be read and is tried again", async () => {
    const world = findWorld();
    const { tenant, member, baseUrl } = world.stage;
    await withPage(world, member, async (page) => {
      const busy = answerProblem(503, "Unavailable", "It has too much to do.");
      await page.route(`**/control-planes/shop/revisions**`, (route) => route.fulfill(busy));
      await page.goto(`${baseUrl}/tenants/${tenant}/control-planes/shop`);
      await page.getByRole("tab", { name: "Conditions" }).waitFor();
      // Only the last of several tries, seconds later, says that it can't be read.
      expect(await page.getByText("Its revision could not be read").count()).toBe(0);
      await page.unrouteAll();
      await page.getByRole("heading", { name: "The live path" }).waitFor();
    });
  });

  test("an order whose answer was lost is the same order when it is tried again, and a refusal stands at its field", async () => {
    const world = findWorld();
    const { tenant, member, baseUrl } = world.stage;
    await withPage(world, member, async (page) => {
      const sent: (string | undefined)[] = [];
      await page.route(`**/api/v1/tenants/${tenant}/control-planes`, async (route) => {
        if (route.request().method() !== "POST") return route.continue();
        sent.push(route.request().headers()["idempotency-key"]);
        if (sent.length === 1) return route.abort("connectionreset");
        return route.fulfill(answerProblem(409, "AlreadyExists", "There is a control plane of this name.", "name"));
      });
      await page.goto(`${baseUrl}/tenants/${tenant}/control-planes/new?cluster=shop`);
      const create = page.getByRole("button", { name: "Create control plane" });
      await create.click();
      await page.getByText("Pilothouse did not answer").waitFor();
      await create.click();
      const name = page.getByLabel("Name of the control plane");
      await expectPage(name).toHaveAccessibleDescription(/There is a control plane of this name\./);
      await name.fill("another");
      await create.click();
      await expect.poll(() => sent.length).toBe(3);
      const [first, second, third] = sent;
      expect(first).toBeDefined();
      expect({ second, isThirdNew: third !== first }).toEqual({ second: first, isThirdNew: true });
    });
  });

  test("of 1,000 rows those are in the page that are seen, down to the last one", async () => {
    const world = findWorld();
    const { tenant, member, baseUrl, service } = world.stage;
    const client = service.connect(await createKey(service, tenant));
    const { body } = await client.call(operations.getControlPlane, { params: { tenant, controlPlane: "shop" } });
    await withPage(world, member, async (page) => {
      await page.route(`**/api/v1/tenants/${tenant}/control-planes?**`, async (route) => {
        const from = Number(new URL(route.request().url()).searchParams.get("cursor") ?? 0);
        const items = Array.from({ length: 100 }, (_, index) => {
          const name = `plane-${String(from + index).padStart(4, "0")}`;
          return { ...body, id: crypto.randomUUID(), name };
        });
        await route.fulfill({ json: { items, nextCursor: from < 900 ? String(from + 100) : null } });
      });
      await page.goto(`${baseUrl}/tenants/${tenant}/control-planes`);
      await page.getByText("1000 control planes").waitFor();
      expect(await page.locator("tbody tr[data-row]").count()).toBeLessThan(100);
      await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
      await page.getByRole("link", { name: "plane-0999" }).waitFor();
      await page.getByRole("searchbox").fill("name:plane-0512");
      await page.getByText("1 of 1000 control planes").waitFor();
    });
  });

  test("a dialog takes the keyboard and gives it back; the way past the navigation leads to the content", async () => {
    const world = findWorld();
    const { tenant, member, baseUrl } = world.stage;
    await withPage(world, member, async (page) => {
      const faults = watchFaults(page, baseUrl);
      await page.goto(`${baseUrl}/tenants/${tenant}/control-planes/pay`);
      await isLive(page);
      await page.keyboard.press("Tab");
      await page.keyboard.press("Enter");
      await expectPage(page.locator("main")).toBeFocused();
      const remove = page.getByRole("button", { name: "Delete", exact: true });
      await remove.focus();
      await page.keyboard.press("Enter");
      await page.getByRole("dialog").waitFor();
      await page.keyboard.press("Tab");
      expect(await page.evaluate(() => document.activeElement?.closest("[role=dialog]") !== null)).toBe(true);
      await page.keyboard.press("Escape");
      await expectPage(remove).toBeFocused();
      await page.keyboard.press("Control+k");
      await page.getByRole("dialog", { name: "Go to" }).waitFor();
      await page.keyboard.press("Escape");
      await expectPage(remove).toBeFocused();
      await page.goto(`${baseUrl}/tenants/${tenant}/settings`);
      const invite = page.getByRole("button", { name: "Invite" });
      await invite.click();
      await page.getByRole("textbox", { name: "E-mail" }).fill("nameless@acme.example");
      await page.keyboard.press("Enter");
      await page.getByRole("dialog", { name: "Invitation for nameless@acme.example" }).waitFor();
      await page.keyboard.press("Escape");
      await expectPage(invite).toBeFocused();
      expect(faults).toEqual([]);
    });
  });
}
