import type { Capacity, IstiodCluster } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { describeUse, toneOfUse } from "./use-of.ts";
import styles from "./use-meter.module.css";

/** How much of a resource is reserved: a bar, and the numbers. */
export function UseMeter({
  cluster,
  resource,
}: {
  cluster: Pick<IstiodCluster, "capacity" | "reserved">;
  resource: keyof Capacity;
}): ReactNode {
  const use = describeUse(cluster).find(({ name }) => name === resource);
  if (use === undefined) return null;
  const { share, reserved, capacity, format } = use;
  return (
    <span className={styles["meter"]}>
      <span className={styles["bar"]} data-tone={toneOfUse(share)} aria-hidden="true">
        <span style={{ width: `${Math.min(100, share * 100)}%` }} />
      </span>
      <span>
        {format(reserved)} of {format(capacity)}
      </span>
    </span>
  );
}
