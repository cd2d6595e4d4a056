import type { IstiodCluster } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Status } from "../status.tsx";

/** Whether an istiod cluster answers, and whether it takes new revisions. */
export function IstiodClusterHealth({
  cluster: { healthy, schedulable },
}: {
  cluster: Pick<IstiodCluster, "healthy" | "schedulable">;
}): ReactNode {
  const [tone, word] =
    healthy === null
      ? (["unknown", "not looked at yet"] as const)
      : healthy
        ? (["ok", "answers"] as const)
        : (["bad", "does not answer"] as const);
  return (
    <>
      <Status tone={tone} quiet>
        {word}
      </Status>{" "}
      {schedulable ? null : <Status tone="off">takes no new ones</Status>}
    </>
  );
}
