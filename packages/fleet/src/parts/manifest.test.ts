import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { loadManifest, manifestFile, parseManifest } from "./manifest.ts";
import { outputNames } from "./outputs.ts";

const text = await readFile(manifestFile, "utf8");

/** The manifest with one passage changed, which must be there. */
function change(from: string, to: string): string {
  expect(text).toContain(from);
  return text.replace(from, to);
}

test("the manifest of this package is valid and has a part for every output", async () => {
  const manifest = await loadManifest();
  const outputs = manifest.parts.flatMap((part) => Object.keys(part.outputs));
  expect(outputs.toSorted()).toEqual(outputNames.toSorted());
});

test("merged and referenced values arrive", () => {
  const kubelet = parseManifest(text, "parts.yaml").parts.find((part) => part.name === "kubelet");
  expect(kubelet?.version).toBe("1.34.4");
  expect(kubelet?.source).toMatchObject({
    kind: "go",
    package: "k8s.io/kubernetes/cmd/kubelet",
    stamps: { "k8s.io/component-base/version.gitVersion": "v1.34.4" },
  });
});

test.each([
  ["an unknown kind", change("kind: go, toolchain: etcd", "kind: download, toolchain: etcd"), /kind is not one.*parts/],
  ["an output twice", change("{ helm: bin/helm }", "{ coredns: bin/helm }"), /coredns is there twice[^]*no part.*helm/],
  ["an output nobody knows", change("{ helm: bin/helm }", "{ helmet: bin/helm }"), /outputs/],
  ["a path that leaves the part", change("usr/sbin/runc }", "../usr/sbin/runc }"), /outputs.runc: must be below/],
  ["a checksum cut short", change("sha256: a88a3ed5", "sha256: "), /sha256: must be 64/],
  ["a range for a version", change("version: 3.22.0", 'version: ">=3.22.0"'), /version: must be an exact version/],
  ["an unknown key", change("stage: 1", "stage: 1\n    colour: red"), /colour/],
  ["a Go program with two outputs", change("{ etcd: bin/etcd }", "{ etcd: a, helm: b }"), /must be exactly one/],
  ["no YAML", "parts: [", /is not YAML/],
])("%s is refused, with its place", (_, changed, message) => {
  expect(() => parseManifest(changed, "parts.yaml")).toThrow(message);
});

test("a manifest that is not there is named", async () => {
  const loaded = loadManifest("/nowhere/parts.yaml");
  await expect(loaded).rejects.toMatchObject({ code: "manifest-invalid" });
  await expect(loaded).rejects.toThrow("/nowhere/parts.yaml");
});
