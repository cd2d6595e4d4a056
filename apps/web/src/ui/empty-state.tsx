import type { ReactNode } from "react";
import styles from "./empty-state.module.css";

/** What stands where nothing is yet: what it is for, and the way to the first one. */
export function EmptyState({
  picture,
  title,
  children,
  action,
  isPage = false,
}: {
  picture: ReactNode;
  title: string;
  children: ReactNode;
  action?: ReactNode;
  /** It is all that there is: its title is the page's. */
  isPage?: boolean;
}): ReactNode {
  return (
    <div className={styles["empty"]}>
      <div className={styles["picture"]} aria-hidden="true">
        {picture}
      </div>
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{children}</p>
      {action}
    </div>
  );
}
