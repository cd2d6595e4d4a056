import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { operations } from "@pilothouse/contract";
import type { Browser, Locator, Page } from "@playwright/test";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openBrowser } from "../src/portal/find-browser.ts";
import { makeMember, makeOperator, type Person } from "../src/portal/people.ts";
import type { Service } from "../src/service.ts";
import { findKubeconfig } from "./support/mesh.ts";
import { createPortalPeople, enterPortal, goTo, type PortalPerson, waitForSteps } from "./support/portal-person.ts";
import { chooseGround, type PortalGround, setEdge } from "./support/portal-ground.ts";
import { askRest, openAddresses, watchAs, type StrangersWatch } from "./support/portal-stranger.ts";
import { makeTenant, startTestService, type TestTenant, waitForOperation } from "./support/service-ground.ts";

/** Within which an edge that is gone has a name on the page, and one that is back is seen to be. */
const turnLimitMs = 45_000;
const connectLimitMs = 60_000;
const createLimitMs = 90_000;
const removeLimitMs = 90_000;
const eventLimitMs = 40_000;

const dana = { email: "dana@acme.example", displayName: "Dana Okafor", password: "a lantern on the north pier" };
const uma = { email: "uma@umbra.example", displayName: "Uma Reyes", password: "a rope on the south pier" };
const sam = { email: "sam@provider.example", displayName: "Sam Rivera", password: "a chart under the old lamp" };

let ground: PortalGround;
let service: Service;
let acme: TestTenant;
let browser: Browser;
let pictures: string;
let people: ReturnType<typeof createPortalPeople>;
/** Whose cluster and control plane it is, the provider's operator, and somebody of another tenant. */
let owner: PortalPerson;
let operator: PortalPerson;
let stranger: PortalPerson;
let watch: StrangersWatch;
/** Istiod cluster in which the control plane was placed, as the page says. */
let host = "";
/** When the owner's page was loaded for the last time. */
let loadedAt = 0;

beforeAll(async () => {
  ground = await chooseGround();
  service = await startTestService();
  acme = await makeTenant(service, "acme");
  await makeTenant(service, "umbra");
  const signIns: [Person, Person, Person] = [
    await makeMember(service, dana, [{ tenant: "acme", role: "owner" }]),
    await makeOperator(service, sam),
    await makeMember(service, uma, [{ tenant: "umbra", role: "owner" }]),
  ];
  pictures = await mkdtemp(join(process.env["PILOTHOUSE_TEST_PICTURES"] ?? tmpdir(), "pilothouse-portal-fleet-"));
  browser = await openBrowser(process.env);
  people = createPortalPeople({ browser, baseUrl: service.baseUrl, pictures });
  [owner, operator, stranger] = [await people.seat("owner"), await people.seat("operator"), await people.seat("other")];
  for (const [index, person] of [owner, operator, stranger].entries())
    await person.step("signs in", (page) => enterPortal(page, service.baseUrl, signIns[index] ?? signIns[0]));
  loadedAt = await readLoadTime(owner.page);
  watch = await watchAs(stranger.context, service.baseUrl, "umbra");
});

afterAll(async () => {
  await watch?.stop();
  await browser?.close();
  const hasFailed = people?.findFailed() !== undefined;
  if (!hasFailed && process.env["PILOTHOUSE_TEST_PICTURES"] === undefined)
    await rm(pictures, { recursive: true, force: true });
  try {
    if (hasFailed) await tidyUp();
  } finally {
    await service?.stop();
  }
});

/** Later tests use the same clusters. */
async function tidyUp(): Promise<void> {
  if (host !== "") await setEdge(host, true);
  const params = { tenant: acme.name };
  for (const { name } of (await acme.client.call(operations.listControlPlanes, { params })).body.items) {
    const path = { ...params, controlPlane: name };
    const { body } = await acme.client.call(operations.deleteControlPlane, { params: path });
    await waitForOperation(acme, body.operation.id);
  }
  for (const { name } of (await acme.client.call(operations.listClusters, { params })).body.items) {
    const { body } = await acme.client.call(operations.disconnectCluster, { params: { ...params, cluster: name } });
    await waitForOperation(acme, body.operation.id);
  }
}

/** The same for as long as no document was loaded anew. */
const readLoadTime = (page: Page): Promise<number> => page.evaluate(() => performance.timeOrigin);

/** Goes to a page that says that there is nothing. */
async function goToEmpty(page: Page, label: string, none: string): Promise<void> {
  await goTo(page, label);
  await page.getByRole("heading", { name: none }).waitFor();
}

/**
 * Has the worker stand still until a page shows what it is about to do: it may be over sooner than a busy machine draws a page.
 * @param ask what gives it the work
 * @param see waits until the work is seen
 */
async function holdWorker(ask: () => Promise<void>, see: () => Promise<unknown>): Promise<void> {
  service.worker.signal("SIGSTOP");
  try {
    await ask();
    await see();
  } finally {
    service.worker.signal("SIGCONT");
  }
}

const underWay = (page: Page, label: string): Locator =>
  page.getByRole("list", { name: label }).getByText("(under way)");

const probesOf = (page: Page): Locator =>
  page.getByRole("list", { name: "What is proven of the path" }).getByRole("listitem");

const failureOf = (page: Page): Locator =>
  page.getByRole("alert").filter({ hasText: "This control plane does not serve its mesh" });

/** Waits until all four ways through the path are proven, and none of them fails in the drawing either. */
async function waitForProvenPath(page: Page, timeoutMs: number): Promise<void> {
  await probesOf(page).filter({ hasText: "works" }).nth(3).waitFor({ timeout: timeoutMs });
  const ways = page.locator("svg g[data-tone]");
  const readTones = () => ways.evaluateAll((all) => [...new Set(all.map((way) => way.getAttribute("data-tone")))]);
  await expect.poll(readTones, { timeout: 10_000 }).toEqual(["ok"]);
  const label = page.getByText("Webhooks 443").filter({ visible: true }).locator("..");
  expect(await label.innerText()).toMatch(/\b\d+ ms\b/);
}

const rowOf = (page: Page, table: string, ...texts: readonly string[]): Locator =>
  texts.reduce(
    (rows, text) => rows.filter({ hasText: text }),
    page.getByRole("table", { name: table }).getByRole("row"),
  );

/** What an operator sees of the control plane on each page, while it is in a phase; ends on Fleet. */
async function seeAsOperator(phase: "Ready" | "Degraded", health: string): Promise<void> {
  const { cluster } = ground;
  await operator.step(`sees it ${phase} on Fleet`, async (page) => {
    await goTo(page, "Fleet");
    await page.getByRole("link", { name: health }).waitFor();
  });
  await operator.step(`sees it ${phase} on Placement, and why it is there`, async (page) => {
    await goTo(page, "Placement");
    const row = rowOf(page, "control planes", "acme", host, phase);
    await row.getByRole("button", { name: cluster, exact: true }).click();
    await page.getByRole("heading", { name: `Why ${cluster} of acme runs there` }).waitFor();
    await rowOf(page, "Istiod clusters that could take it", host, "chosen").waitFor();
    await page.getByRole("button", { name: "Close" }).click();
  });
  await operator.step(`sees it ${phase} at its istiod cluster`, async (page) => {
    await goTo(page, "Istiod clusters");
    await page.getByRole("link", { name: host, exact: true }).click();
    await page.getByRole("heading", { level: 1, name: host }).waitFor();
    await page
      .getByRole("listitem")
      .filter({ hasText: `${cluster} of acme` })
      .filter({ hasText: phase })
      .waitFor();
  });
}

test("a cluster is connected by its kubeconfig, and the checks are seen to succeed one after the other", async () => {
  const { cluster, seed } = ground;
  await owner.step("opens the page that connects", async (page) => {
    await page.getByRole("main").getByRole("link", { name: "Connect a cluster" }).click();
    await page.getByRole("heading", { name: "What the kubeconfig must allow" }).waitFor();
  });
  const kubeconfig = await readFile(await findKubeconfig(cluster), "utf8");
  await owner.step("says what it is", async (page) => {
    await page.getByRole("textbox", { name: "Name" }).fill(cluster);
    await page
      .getByRole("combobox", { name: "Kind" })
      .selectOption({ label: "Gardener: its API server runs in a seed" });
    await page.getByRole("textbox", { name: "Seed" }).fill(seed);
    await page.getByRole("textbox", { name: "Kubeconfig" }).fill(kubeconfig);
  });
  const label = `Steps of connecting ${cluster}`;
  await owner.step("watches the checks", async (page) => {
    await holdWorker(
      () => page.getByRole("button", { name: "Check and connect" }).click(),
      () => underWay(page, label).waitFor(),
    );
    await waitForSteps(page, label, connectLimitMs);
    await page.getByRole("link", { name: "Create a control plane for it" }).waitFor();
  });
  expect(await readLoadTime(owner.page)).toBe(loadedAt);
});

test("a control plane is created, and its steps move to Ready without a reload", async () => {
  const { cluster, line } = ground;
  await owner.step("chooses a line", async (page) => {
    await page.getByRole("link", { name: "Create a control plane for it" }).click();
    await page.getByRole("radio", { name: `Istio ${line} ` }).check();
  });
  host = await owner.step("reads where it would run, and why", async (page) => {
    const chosen = rowOf(page, "Istiod clusters that could take it", "chosen");
    await chosen.getByRole("listitem").first().waitFor();
    const name = ((await chosen.getByRole("rowheader").textContent()) ?? "").replace("chosen", "").trim();
    await page.getByRole("definition").filter({ hasText: name }).waitFor();
    return name;
  });
  expect(ground.hosts).toContain(host);
  const label = `Steps of creating ${cluster}`;
  const fleetPage = await operator.context.newPage();
  await fleetPage.goto(`${service.baseUrl}/admin`);
  await fleetPage.getByRole("status").filter({ hasText: "Live" }).waitFor();
  await operator.step("has Work before the eyes", (page) => goTo(page, "Work"));
  await owner.step("has it made, and sees what is done first", (page) =>
    holdWorker(
      () => page.getByRole("button", { name: "Create control plane" }).click(),
      async () => {
        await underWay(page, label).waitFor();
        const work = operator.page.getByRole("main").getByRole("listitem");
        await work.filter({ hasText: `${cluster} of acmeCreating` }).waitFor();
        await fleetPage.getByRole("link", { name: "1 of 1 comes up" }).waitFor();
      },
    ),
  );
  await owner.step("watches it come up", (page) => waitForSteps(page, label, createLimitMs));
  await fleetPage.close();
  await owner.step("sees it Ready, and all ways through the live path proven", async (page) => {
    await waitForProvenPath(page, turnLimitMs);
    await page.getByText("Ready", { exact: true }).first().waitFor();
  });
  expect(await readLoadTime(owner.page)).toBe(loadedAt);
  await seeAsOperator("Ready", "1 of 1 serves");
  await operator.step("sees that it is watched", async (page) => {
    await goTo(page, "Work");
    const sentinels = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: "Sentinels" }) });
    await sentinels.getByText("1", { exact: true }).nth(1).waitFor();
  });
});

test("an edge that is killed turns the live path to a failure with a name, for the tenant and for the operator, until it is back", async () => {
  await operator.step("has Fleet before the eyes", (page) => goTo(page, "Fleet"));
  const killedMs = performance.now();
  await setEdge(host, false);
  const turnMs = await owner.step("sees the live path fail, and why", async (page) => {
    await failureOf(page).waitFor({ timeout: turnLimitMs });
    await probesOf(page).filter({ hasText: "fails" }).first().waitFor();
    return performance.now() - killedMs;
  });
  expect(turnMs).toBeLessThan(turnLimitMs);
  expect(await failureOf(owner.page).textContent()).toContain("edge");
  await seeAsOperator("Degraded", "1 of 1 does not serve");
  await operator.step("is led to its edge on Fleet", async (page) => {
    await goTo(page, "Fleet");
    await page
      .getByRole("alert")
      .filter({ hasText: `Nothing in istiod cluster ${host} serves` })
      .waitFor();
  });
  const startedMs = performance.now();
  await setEdge(host, true);
  const backMs = await owner.step("sees the live path come back", async (page) => {
    await failureOf(page).waitFor({ state: "detached", timeout: turnLimitMs });
    const tookMs = performance.now() - startedMs;
    await waitForProvenPath(page, turnLimitMs);
    return tookMs;
  });
  await operator.step("sees it serve again", async (page) => {
    await page.getByRole("link", { name: "1 of 1 serves" }).waitFor();
    await page.getByRole("alert").filter({ hasText: "Nothing in istiod cluster" }).waitFor({ state: "detached" });
  });
  expect(await readLoadTime(owner.page)).toBe(loadedAt);
  console.log(
    `The live path names a killed edge after ${(turnMs / 1_000).toFixed(1)} s, and is whole ${(backMs / 1_000).toFixed(1)} s after it was started again.`,
  );
});

test("somebody of another tenant sees nothing of it", async () => {
  const { cluster } = ground;
  for (const [label, none] of [
    ["Clusters", "No cluster is connected yet"],
    ["Control planes", "No control plane yet"],
    ["Overview", "From a kubeconfig to a mesh in a few minutes"],
  ] as const)
    await stranger.step(`finds nothing on ${label}`, (page) => goToEmpty(page, label, none));
  await stranger.step("finds nothing on Activity", async (page) => {
    await goTo(page, "Activity");
    await page.getByRole("heading", { name: "Nothing has been changed yet" }).waitFor();
    await page.getByRole("tab", { name: "Events" }).click();
    const events = page.getByRole("tabpanel", { name: "Events" });
    await events.getByText(uma.email).first().waitFor();
    expect(await events.getByText(cluster, { exact: true }).count()).toBe(0);
  });
  await stranger.step("finds nothing by its name", async (page) => {
    await page.keyboard.press("Control+k");
    await page.getByRole("dialog", { name: "Go to" }).getByRole("option", { name: "Overview" }).waitFor();
    await page.keyboard.type(cluster);
    await page.getByText("Nothing of that name.").waitFor();
    await page.keyboard.press("Escape");
  });
  const { context } = stranger;
  const places = ["", "/clusters", `/clusters/${cluster}`, `/control-planes/${cluster}`, "/activity"];
  const addresses = [...places.map((place) => `/tenants/acme${place}`), "/admin", "/admin/placement"];
  expect(await openAddresses(context, service.baseUrl, addresses)).toEqual(
    addresses.map(() => "There is nothing at this address"),
  );
  const own = [`/tenants/umbra/clusters/${cluster}`, `/tenants/umbra/control-planes/${cluster}`];
  expect(await openAddresses(context, service.baseUrl, own)).toEqual([
    `There is no cluster ${cluster}`,
    `There is no control plane ${cluster}`,
  ]);
  const { body } = await acme.client.call(operations.listOperations, { params: { tenant: "acme" } });
  const names = { cluster, controlPlane: cluster, operation: body.items[0]?.id ?? "" };
  const answers = await askRest(context, service.baseUrl, { ...names, tenant: "acme" });
  expect(answers.size).toBeGreaterThan(20);
  expect([...answers].map(([call, status]) => `${call}: ${status}`)).toEqual(
    [...answers.keys()].map((call) => `${call}: ${call.includes("{tenant}") ? 404 : 403}`),
  );
  const ownAnswers = [...(await askRest(context, service.baseUrl, { ...names, tenant: "umbra" }))];
  const naming = ownAnswers.filter(([call]) => /\{(cluster|controlPlane|operation)\}/.test(call));
  expect(naming.map(([call, status]) => `${call}: ${status}`)).toEqual(naming.map(([call]) => `${call}: 404`));
});

test("control plane and cluster are removed, each after its name was typed, and are gone from the lists", async () => {
  const { cluster } = ground;
  const remove = async (page: Page, button: string, action: string, what: string): Promise<void> => {
    await page.getByRole("button", { name: button, exact: true }).click();
    const dialog = page.getByRole("dialog");
    const confirm = dialog.getByRole("button", { name: action });
    expect(await confirm.isDisabled()).toBe(true);
    await dialog.getByRole("textbox", { name: `Type ${cluster} to confirm` }).fill(cluster);
    await confirm.click();
    await page.getByRole("list", { name: `Steps of ${what} ${cluster}` }).waitFor();
  };
  await owner.step("deletes the control plane", (page) => remove(page, "Delete", "Delete control plane", "deleting"));
  await owner.step("watches it go", async (page) => {
    await waitForSteps(page, `Steps of deleting ${cluster}`, removeLimitMs);
    await page.getByRole("heading", { name: `The control plane ${cluster} is gone` }).waitFor();
  });
  await owner.step("finds no control plane any more", (page) =>
    goToEmpty(page, "Control planes", "No control plane yet"),
  );
  await operator.step("sees none any more", (page) => page.getByText("No control plane yet.").waitFor());
  await owner.step("disconnects the cluster", async (page) => {
    await goTo(page, "Clusters");
    await page.getByRole("link", { name: cluster, exact: true }).click();
    await remove(page, "Disconnect", "Disconnect cluster", "disconnecting");
    await waitForSteps(page, `Steps of disconnecting ${cluster}`, removeLimitMs);
    await page.getByRole("heading", { name: `The cluster ${cluster} is gone` }).waitFor();
  });
  await owner.step("finds no cluster any more", (page) => goToEmpty(page, "Clusters", "No cluster is connected yet"));
  expect(await readLoadTime(owner.page)).toBe(loadedAt);
});

/**
 * Whether it is the answer to a page that read what was being removed: an event of the removal had it read, and its end came first. Nobody is shown
 * that answer: the page says that the object is gone, as the test of the removal has seen.
 */
function isReadOfRemoved(fault: string): boolean {
  const api = `${service.baseUrl}/api/v1/tenants/${acme.name}`;
  const removed = ["control-planes", "clusters"].map((kind) => `${api}/${kind}/${ground.cluster}`);
  return removed.some((url) =>
    [url, `${url}/revisions`].some((read) => fault === `owner: ${read} is answered with 404`),
  );
}

test("no page had an error, was refused anything, or asked another origin; the other tenant's stream carried its own events alone", async () => {
  const kim = { email: "kim@umbra.example", displayName: "Kim Adeyemi", role: "viewer" } as const;
  await service.platform.call(operations.addTenantMember, { params: { tenant: "umbra" }, body: kim });
  await expect.poll(() => watch.seen.length, { timeout: eventLimitMs }).toBeGreaterThan(0);
  expect(watch.seen.map(({ type, object }) => `${type} ${object.name}`)).toEqual([`member.created ${kim.email}`]);
  const faults = [owner, operator, stranger].flatMap((person) => person.faults.map((one) => `${person.name}: ${one}`));
  expect(faults.filter((fault) => !isReadOfRemoved(fault))).toEqual([]);
});
