import type { ReactNode } from "react";
import styles from "./page-header.module.css";

/** What a page is about, how it is, and what can be done with it. */
export function PageHeader({
  title,
  status,
  children,
  actions,
}: {
  title: ReactNode;
  status?: ReactNode;
  /** One line under the title. */
  children?: ReactNode;
  actions?: ReactNode;
}): ReactNode {
  return (
    <header className={styles["header"]}>
      <div className={styles["words"]}>
        <div className={styles["title"]}>
          <h1>{title}</h1>
          {status}
        </div>
        {children === undefined ? null : <p className={styles["line"]}>{children}</p>}
      </div>
      {actions === undefined ? null : <div className={styles["actions"]}>{actions}</div>}
    </header>
  );
}
