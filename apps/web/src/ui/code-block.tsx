import type { ReactNode } from "react";
import { CopyButton } from "./copy-button.tsx";
import styles from "./code-block.module.css";

/** A command or a file, to be read and copied. */
export function CodeBlock({
  text,
  label,
}: {
  text: string;
  /** What it is, as "the command". */ label: string;
}): ReactNode {
  return (
    <div className={styles["block"]}>
      <pre role="region" aria-label={label}>
        <code>{text}</code>
      </pre>
      <CopyButton text={text} label={label} />
    </div>
  );
}
