import { expect, test } from "vitest";
import { applyJsonPatch } from "./json-patch.ts";

test("adds, replaces and removes in objects and lists, and leaves the original alone", () => {
  const pod = { metadata: { labels: { a: "1" } }, spec: { containers: [{ name: "app" }] } };
  const patched = applyJsonPatch(pod, [
    { op: "add", path: "/metadata/annotations", value: {} },
    { op: "add", path: "/metadata/annotations/sidecar.istio.io~1status", value: "x~y" },
    { op: "add", path: "/spec/containers/0", value: { name: "first" } },
    { op: "add", path: "/spec/containers/-", value: { name: "last" } },
    { op: "replace", path: "/spec/containers/1/name", value: "main" },
    { op: "remove", path: "/metadata/labels/a" },
    { op: "remove", path: "/spec/containers/0" },
  ]);
  expect(patched).toEqual({
    metadata: { labels: {}, annotations: { "sidecar.istio.io/status": "x~y" } },
    spec: { containers: [{ name: "main" }, { name: "last" }] },
  });
  expect(pod.spec.containers).toEqual([{ name: "app" }]);
});

test("a path that leads nowhere and a foreign operation are errors", () => {
  expect(() => applyJsonPatch({}, [{ op: "add", path: "/a/b", value: 1 }])).toThrow("leads nowhere: /a/b");
  expect(() => applyJsonPatch([], [{ op: "add", path: "/3", value: 1 }])).toThrow("leads nowhere: /3");
  expect(() => applyJsonPatch({ a: 1 }, [{ op: "move", path: "/a" }])).toThrow("operation move");
});

test("a key named like a property of all objects stays a key", () => {
  const patched = applyJsonPatch({}, [{ op: "add", path: "/__proto__", value: { polluted: true } }]);
  expect(JSON.stringify(patched)).toBe('{"__proto__":{"polluted":true}}');
  expect("polluted" in {}).toBe(false);
});
