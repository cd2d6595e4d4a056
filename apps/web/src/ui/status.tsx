import { CircleAlert, CircleCheck, CircleDashed, CircleHelp, LoaderCircle, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./status.module.css";

/** What a status means to somebody who runs things. `unknown` is not `bad`: it can't be seen. */
export type StatusTone = "ok" | "busy" | "warn" | "bad" | "unknown" | "off";

const icons: Record<StatusTone, LucideIcon> = {
  ok: CircleCheck,
  busy: LoaderCircle,
  warn: CircleAlert,
  bad: CircleAlert,
  unknown: CircleHelp,
  off: CircleDashed,
};

/** A status as icon and word; colour only supports it. */
export function Status({
  tone,
  children,
  quiet = false,
}: {
  tone: StatusTone;
  children: ReactNode;
  /** Without its own background, as in tables. */
  quiet?: boolean;
}): ReactNode {
  const Icon = icons[tone];
  return (
    <span className={[styles["status"], styles[tone], quiet ? styles["quiet"] : ""].join(" ")}>
      <Icon aria-hidden="true" />
      {children}
    </span>
  );
}
