import { expect, test } from "vitest";
import { buildHostname, buildObjectMeta, buildRevisionLabels } from "./names.ts";

const revision = { id: "r7", tenant: "acme", controlPlane: "cp-1" };
const mesh = { id: "shop" };

test("the hostname is the revision under the provider's domain", () => {
  expect(buildHostname(revision, { domain: "mesh.example.com" })).toBe("r7.mesh.example.com");
});

test("objects of a revision live in its namespace and say whose they are", () => {
  const meta = buildObjectMeta(revision, mesh, "istiod");
  expect(meta.namespace).toBe("r7");
  expect(meta.labels).toMatchObject({
    "app.kubernetes.io/managed-by": "pilothouse",
    "pilothouse.io/cluster": "shop",
    "pilothouse.io/revision": "r7",
    "pilothouse.io/tenant": "acme",
    "pilothouse.io/control-plane": "cp-1",
    "istio.io/rev": "r7",
  });
});

test.each([
  "default",
  "kube-system",
  "istio-system",
  "pilothouse-system",
  "7r",
  "R7",
  "r_7",
  "r.7",
  "r7-",
  "",
  "r".repeat(64),
])('the revision id "%s" is refused', (id) => {
  expect(() => buildRevisionLabels({ ...revision, id }, mesh)).toThrow(
    expect.objectContaining({ kind: "user", code: "InvalidName", parameter: "revision.id" }),
  );
});

test("ids that can't be labels are refused with their name", () => {
  expect(() => buildRevisionLabels({ ...revision, tenant: "a b" }, mesh)).toThrow(
    expect.objectContaining({ parameter: "revision.tenant" }),
  );
  expect(() => buildRevisionLabels(revision, { id: "-" })).toThrow(expect.objectContaining({ parameter: "mesh.id" }));
});
