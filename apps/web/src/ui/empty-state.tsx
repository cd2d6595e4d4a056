import type { ReactNode } from "react";
import styles from "./empty-state.module.css";

/** What stands where nothing is yet: what it is for, and the way to the first one. */
export function EmptyState({
  picture,
  title,
  children,
  action,
}: {
  picture: ReactNode;
  title: string;
  children: ReactNode;
  action?: ReactNode;
}): ReactNode {
  return (
    <div className={styles["empty"]}>
      <div className={styles["picture"]} aria-hidden="true">
        {picture}
      </div>
      <h2>{title}</h2>
      <p>{children}</p>
      {action}
    </div>
  );
}
