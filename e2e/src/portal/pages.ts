import type { Page } from "@playwright/test";
import type { Stage } from "./stage.ts";

/** A page of the portal as somebody sees it. */
export interface PortalPage {
  /** Of its picture. */
  name: string;
  as: "nobody" | "member" | "operator";
  path: (stage: Pick<Stage, "tenant" | "emptyTenant" | "invitation">) => string;
  /** Brings it to what is worth seeing, once it is loaded. */
  prepare?: (page: Page) => Promise<void>;
}

const ofTenant =
  (rest: string): PortalPage["path"] =>
  ({ tenant }) =>
    `/tenants/${tenant}${rest}`;

const ofEmptyTenant =
  (rest: string): PortalPage["path"] =>
  ({ emptyTenant }) =>
    `/tenants/${emptyTenant}${rest}`;

/** Every page of the portal, and those of its states that look different. */
export const portalPages: readonly PortalPage[] = [
  { name: "sign-in", as: "nobody", path: () => "/sign-in" },
  { name: "invitation", as: "nobody", path: ({ invitation }) => `/invitations/${invitation}` },
  { name: "overview", as: "member", path: ofTenant("") },
  { name: "overview-empty", as: "member", path: ofEmptyTenant("") },
  { name: "clusters", as: "member", path: ofTenant("/clusters") },
  { name: "clusters-empty", as: "member", path: ofEmptyTenant("/clusters") },
  { name: "connect", as: "member", path: ofTenant("/clusters/connect") },
  { name: "cluster", as: "member", path: ofTenant("/clusters/shop") },
  { name: "cluster-connecting", as: "member", path: ofTenant("/clusters/lab") },
  { name: "control-planes", as: "member", path: ofTenant("/control-planes") },
  { name: "control-planes-empty", as: "member", path: ofEmptyTenant("/control-planes") },
  { name: "create", as: "member", path: ofTenant("/control-planes/new?cluster=shop") },
  { name: "control-plane", as: "member", path: ofTenant("/control-planes/shop") },
  { name: "control-plane-failing", as: "member", path: ofTenant("/control-planes/media") },
  { name: "control-plane-unseen", as: "member", path: ofTenant("/control-planes/ledger") },
  { name: "control-plane-coming-up", as: "member", path: ofTenant("/control-planes/search-next") },
  { name: "activity", as: "member", path: ofTenant("/activity") },
  { name: "activity-audit", as: "member", path: ofTenant("/activity?tab=audit") },
  { name: "control-plane-conditions", as: "member", path: ofTenant("/control-planes/media?tab=conditions") },
  { name: "settings", as: "member", path: ofTenant("/settings") },
  { name: "settings-invite", as: "member", path: ofTenant("/settings"), prepare: pressButton("Invite") },
  { name: "control-plane-delete", as: "member", path: ofTenant("/control-planes/pay"), prepare: pressButton("Delete") },
  { name: "palette", as: "member", path: ofTenant(""), prepare: openPalette },
  { name: "not-found", as: "member", path: () => "/tenants/nobody" },
  { name: "fleet", as: "operator", path: () => "/admin" },
  { name: "istiod-clusters", as: "operator", path: () => "/admin/istiod-clusters" },
  {
    name: "istiod-cluster",
    as: "operator",
    path: () => "/admin/istiod-clusters/istiod-eu-1-b",
    prepare: (page) => page.locator("svg.recharts-surface").first().waitFor(),
  },
  { name: "placement", as: "operator", path: () => "/admin/placement", prepare: openFirstPlacement },
  { name: "work", as: "operator", path: () => "/admin/work" },
  { name: "versions", as: "operator", path: () => "/admin/versions" },
  { name: "tenants", as: "operator", path: () => "/admin/tenants" },
];

function pressButton(name: string): (page: Page) => Promise<void> {
  return async (page) => {
    await page.getByRole("button", { name, exact: true }).click();
    await page.getByRole("dialog").waitFor();
  };
}

async function openPalette(page: Page): Promise<void> {
  await page.keyboard.press("Control+k");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.type("s");
}

async function openFirstPlacement(page: Page): Promise<void> {
  await page.locator("tbody button").first().click();
  await page.getByRole("heading", { name: "runs there" }).waitFor();
}
