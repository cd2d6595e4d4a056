import { expect, test } from "vitest";
import { groupPrograms } from "./fetch-parts.ts";
import { loadManifest } from "./manifest.ts";

test("programs of one toolchain and stage are compiled together, what comes first first", async () => {
  const { parts } = await loadManifest();
  const programs = parts
    .filter((part) => part.source.kind === "go")
    .toSorted((left, right) => left.stage - right.stage)
    .map((part) => ({ part, recipe: "", folder: "", lockFile: "" }));
  const units = groupPrograms(programs).map((unit) => [unit.toolchain, ...unit.parts.map(({ part }) => part.name)]);
  expect(units).toEqual([
    ["pause", "pause"],
    ["etcd", "etcd"],
    ["kubernetes", "kube-apiserver"],
    ["istio-1.32", "istiod-1.32", "pilot-agent-1.32"],
    ["kubernetes", "kube-controller-manager", "kubelet", "kube-scheduler", "kube-proxy"],
    ["coredns", "coredns"],
    ["helm", "helm"],
    ["istio-1.22", "istiod-1.22", "pilot-agent-1.22"],
    ["kubernetes", "kubectl"],
  ]);
});

test("programs with different stamps are compiled apart", async () => {
  const { parts } = await loadManifest();
  const [agent] = parts.filter((part) => part.name === "pilot-agent-1.32");
  if (agent?.source.kind !== "go") throw new Error("the manifest has no pilot-agent");
  const place = (stamps: Record<string, string>) => ({
    part: { ...agent, source: { kind: "go" as const, toolchain: "istio-1.32", package: "istio.io/istio", stamps } },
    recipe: "",
    folder: "",
    lockFile: "",
  });
  expect(groupPrograms([place({ a: "1" }), place({ a: "2" }), place({ a: "1" })])).toHaveLength(2);
});
