import type { FleetControlPlane, IstiodCluster } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Link } from "../link.tsx";
import { Notice } from "../notice.tsx";
import { countService } from "./service-in.ts";

/** Says where an istiod cluster answers and yet no control plane in it serves: what all of them share is its edge. */
export function NothingServes({
  cluster: { name, healthy, edgeAddresses },
  controlPlanes,
}: {
  cluster: IstiodCluster;
  controlPlanes: readonly FleetControlPlane[];
}): ReactNode {
  const { serving, failing } = countService(controlPlanes, name);
  if (healthy === false || failing === 0 || serving > 0) return null;
  return (
    <Notice
      tone="bad"
      title={
        <>
          Nothing in istiod cluster <Link href={`/admin/istiod-clusters/${name}`}>{name}</Link> serves
        </>
      }
    >
      Its API server answers, and{" "}
      <Link href={`/admin/placement?q=istiod:${name}+phase:degraded`}>
        {failing === 1 ? "the control plane in it fails" : `all ${failing} control planes in it fail`}
      </Link>
      . Look first at {failing === 1 ? "its edge" : "what they share, its edge"}: {edgeAddresses.join(", ")}.
    </Notice>
  );
}
