"use client";
import { Check, Copy, X } from "lucide-react";
import { type ReactNode, useEffect, useRef, useState } from "react";
import styles from "./copy-button.module.css";

const shownMs = 2_000;
const icons = { ready: Copy, copied: Check, failed: X } as const;
const words = {
  ready: "",
  copied: "Copied",
  failed: "It could not be copied: select it, and copy it by hand",
} as const;

async function writeClipboard(text: string): Promise<"copied" | "failed"> {
  try {
    await navigator.clipboard.writeText(text);
    return "copied";
  } catch {
    return "failed";
  }
}

/** Copies a text to the clipboard, and says so. */
export function CopyButton({
  text,
  label,
}: {
  text: string;
  /** What is copied, as "the command". */ label: string;
}): ReactNode {
  const [state, setState] = useState<"ready" | "copied" | "failed">("ready");
  const shown = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(shown.current), []);
  const copy = async (): Promise<void> => {
    // Browsers give the clipboard to pages over https and of this machine alone, and may refuse it there, too.
    const next = await writeClipboard(text);
    setState(next);
    clearTimeout(shown.current);
    shown.current = setTimeout(() => setState("ready"), shownMs);
  };
  const Icon = icons[state];
  return (
    <button
      type="button"
      className={styles["copy"]}
      onClick={() => void copy()}
      aria-label={`Copy ${label}`}
      title={words[state]}
    >
      <Icon aria-hidden="true" />
      <span className="visually-hidden" role="status">
        {words[state]}
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
