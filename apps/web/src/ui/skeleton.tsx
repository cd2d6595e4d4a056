import type { ReactNode } from "react";
import styles from "./skeleton.module.css";

/** Stands for something that is being read. */
export function Skeleton({
  lines = 3,
  label,
}: {
  lines?: number;
  /** What is being read. */ label: string;
}): ReactNode {
  return (
    <div className={styles["skeleton"]} role="status" data-reading="">
      <span className="visually-hidden">Reading {label}</span>
      {Array.from({ length: lines }, (_, index) => (
        <span key={index} aria-hidden="true" />
      ))}
    </div>
  );
}
