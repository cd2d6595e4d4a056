"use client";
import { Check, Copy } from "lucide-react";
import { type ReactNode, useState } from "react";
import styles from "./copy-button.module.css";

const shownMs = 2_000;

/** Copies a text to the clipboard, and says so. */
export function CopyButton({
  text,
  label,
}: {
  text: string;
  /** What is copied, as "the command". */ label: string;
}): ReactNode {
  const [copied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), shownMs);
  };
  return (
    <button type="button" className={styles["copy"]} onClick={() => void copy()} aria-label={`Copy ${label}`}>
      {copied ? <Check aria-hidden="true" /> : <Copy aria-hidden="true" />}
      <span className="visually-hidden" role="status">
        {copied ? "Copied" : ""}
      </span>
    </button>
  );
}

/** A name or id that is shown as it is and can be copied. */
export function Copyable({ text, label }: { text: string; label: string }): ReactNode {
  return (
    <span className={styles["copyable"]}>
      <code>{text}</code>
      <CopyButton text={text} label={label} />
    </span>
  );
}
