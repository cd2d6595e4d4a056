import { expect, test } from "vitest";
import { listElectionConfigMapNames, listIstiodLeftovers } from "./istiod-leftovers.ts";

test("the certificate authority is the only thing that stays", () => {
  for (const line of ["1.22", "1.32"]) {
    expect(listIstiodLeftovers(line, "r1").filter(({ keep }) => keep)).toMatchObject([
      { kind: "Secret", name: "istio-ca-secret", namespace: "istio-system" },
    ]);
  }
});

test("only the newer line has something of one revision alone, and it carries its name", () => {
  const own = (line: string) => listIstiodLeftovers(line, "r1").filter(({ scope }) => scope === "revision");
  expect(own("1.22")).toEqual([]);
  expect(own("1.32")).toMatchObject([{ kind: "Lease", name: "istio-gateway-status-leader-r1" }]);
});

test("what revisions share is the same for all lines, whichever of them goes last", () => {
  const shared = (line: string) => listIstiodLeftovers(line, "r1").filter(({ scope }) => scope === "shared");
  expect(shared("1.22")).toEqual(shared("1.32"));
  expect(shared("1.22").map(({ name }) => name)).toEqual(
    expect.arrayContaining(["istio-ca-crl", "istio-ip-autoallocate"]),
  );
});

test("the election locks are among what is left", () => {
  const names = listIstiodLeftovers("1.32", "r1").map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(listElectionConfigMapNames("1.32")));
  expect(listElectionConfigMapNames("1.22")).not.toContain("istio-ip-autoallocate");
});
