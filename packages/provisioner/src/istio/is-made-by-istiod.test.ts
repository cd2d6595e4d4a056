import { expect, test } from "vitest";
import { isMadeByIstiod } from "./is-made-by-istiod.ts";

const made = { manager: "pilot-discovery", operation: "Update" };
const status = { ...made, subresource: "status" };

const gatewayClass = (writers: object[] | undefined, controllerName = "istio.io/gateway-controller") => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "GatewayClass",
  metadata: { name: "istio", ...(writers === undefined ? {} : { managedFields: writers }) },
  spec: { controllerName },
});

test.for(["istio.io/gateway-controller", "istio.io/unmanaged-gateway"])(
  "a GatewayClass of %s that istiod alone wrote is istiod's",
  (controllerName) => {
    expect(isMadeByIstiod(gatewayClass([made, status], controllerName))).toBe(true);
  },
);

test.for([
  ["a person made, although istiod wrote its status", [{ ...made, manager: "kubectl-create" }, status]],
  ["a person changed", [made, { manager: "kubectl-edit" }, status]],
  ["nobody is known to have made", undefined],
  ["nobody is known to have made but for its status", [status]],
] as const)("a GatewayClass that %s is not", ([, writers]) => {
  expect(isMadeByIstiod(gatewayClass(writers === undefined ? undefined : [...writers]))).toBe(false);
});

test("a GatewayClass of another controller is not, whoever wrote it", () => {
  expect(isMadeByIstiod(gatewayClass([made], "example.test/gateways"))).toBe(false);
});
