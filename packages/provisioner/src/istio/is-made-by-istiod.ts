import { fieldAt, isRecord } from "../kube/field-at.ts";
import type { KubeObject } from "../kube/types.ts";

/**
 * The field manager of what istiod creates: the API server takes it from the user agent, which is the program's name (`IstioUserAgent` in
 * istio.io/istio/pkg/kube).
 */
const istiodFieldManager = "pilot-discovery";

/** Controllers that istiod names in GatewayClasses it makes (istio.io/istio/pkg/config/constants). */
const istiodControllers = new Set<unknown>(["istio.io/gateway-controller", "istio.io/unmanaged-gateway"]);

/**
 * Whether a GatewayClass is istiod's and nobody else's. istiod makes one only where none of that name is, marks it with no label, and takes what a
 * tenant made or changed as it is (`ClassController` in istio.io/istio/pilot/pkg/config/kube). So what tells is who wrote it; one whose writers
 * aren't recorded is not istiod's. Status, which Gateway API controllers write into classes of whatever origin, tells nothing.
 */
export function isMadeByIstiod(gatewayClass: KubeObject): boolean {
  const entries = gatewayClass.metadata["managedFields"];
  const writers = (Array.isArray(entries) ? entries : []).filter(
    (entry) => isRecord(entry) && entry["subresource"] !== "status",
  );
  return (
    istiodControllers.has(fieldAt(gatewayClass, "spec", "controllerName")) &&
    writers.length > 0 &&
    writers.every((entry) => fieldAt(entry, "manager") === istiodFieldManager)
  );
}
