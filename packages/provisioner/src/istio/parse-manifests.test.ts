import { expect, test } from "vitest";
import { parseManifests } from "./parse-manifests.ts";

test("documents without content are left out, the order stays", () => {
  const text =
    "---\n# only a comment\n---\napiVersion: v1\nkind: A\nmetadata: {name: one}\n---\n\n---\napiVersion: v1\nkind: B\nmetadata: {name: two}\ndata: {n: '08'}\n";
  const objects = parseManifests(text, "a test");
  expect(objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(["A one", "B two"]);
  expect(objects[1]?.["data"]).toEqual({ n: "08" });
});

test("what is no YAML is refused, with its place", () => {
  expect(() => parseManifests("a: b\n---\na: [", "chart x")).toThrow(/chart x: .*\(\d+:\d+\)/);
  const readSecond = () => parseManifests("apiVersion: v1\nkind: A\nmetadata: {name: a}\n---\na: [", "chart x");
  expect(readSecond).toThrow(expect.objectContaining({ code: "ManifestUnreadable" }));
  expect(readSecond).toThrow(/chart x: .*\(5:\d+\)|chart x: .*\(6:\d+\)/);
});

test("what is no Kubernetes object is refused", () => {
  expect(() => parseManifests("kind: A\nmetadata: {name: a}\n", "chart x")).toThrow(
    /no apiVersion, kind and metadata.name/,
  );
});
