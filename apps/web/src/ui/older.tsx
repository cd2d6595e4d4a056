"use client";
import type { ReactNode } from "react";
import type { History } from "#client/history.ts";
import { Button } from "./button.tsx";
import styles from "./older.module.css";

/** Under a list that begins with the newest: that there are older ones, and the way to them. */
export function Older({
  history: { items, hasOlder, isReadingOlder, readOlder },
  label,
}: {
  history: Pick<History<unknown>, "items" | "hasOlder" | "isReadingOlder" | "readOlder">;
  /** What they are. */
  label: string;
}): ReactNode {
  if (!hasOlder) return null;
  return (
    <p className={styles["older"]}>
      <span>
        These are the newest {items?.length ?? 0} {label}; only they are searched.
      </span>
      <Button size="small" busy={isReadingOlder} onClick={readOlder}>
        Read older ones
      </Button>
    </p>
  );
}
