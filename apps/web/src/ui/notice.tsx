import { CircleAlert, CircleCheck, CircleHelp, Info } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./notice.module.css";

const icons = { info: Info, ok: CircleCheck, warn: CircleAlert, bad: CircleAlert, unknown: CircleHelp } as const;

/** Says one thing that matters now, and what to do about it. */
export function Notice({
  tone,
  title,
  children,
  actions,
  isNews = true,
}: {
  tone: keyof typeof icons;
  title: ReactNode;
  children?: ReactNode;
  actions?: ReactNode;
  /** Is read out when it comes; not so where many stand together. */
  isNews?: boolean;
}): ReactNode {
  const Icon = icons[tone];
  return (
    <div
      className={[styles["notice"], styles[tone]].join(" ")}
      role={!isNews ? undefined : tone === "bad" ? "alert" : "status"}
    >
      <Icon aria-hidden="true" />
      <div className={styles["body"]}>
        <p className={styles["title"]}>{title}</p>
        {children === undefined ? null : <div className={styles["text"]}>{children}</div>}
      </div>
      {actions === undefined ? null : <div className={styles["actions"]}>{actions}</div>}
    </div>
  );
}
