"use client";
import { Radio, RefreshCw, Unplug } from "lucide-react";
import type { ReactNode } from "react";
import { useLiveStatus } from "#client/live.tsx";
import styles from "./live-state.module.css";

const states = {
  connecting: { icon: RefreshCw, word: "Connecting", title: "Opening the stream of events" },
  live: { icon: Radio, word: "Live", title: "What is shown follows what happens" },
  polling: {
    icon: RefreshCw,
    word: "Every 5 s",
    title: "The stream of events is lost; everything is read anew every 5 seconds",
  },
  signedOut: { icon: Unplug, word: "Signed out", title: "The session is over. Sign in again" },
} as const;

/** Says whether the page is live. */
export function LiveState(): ReactNode {
  const status = useLiveStatus();
  const { icon: Icon, word, title } = states[status];
  return (
    <span className={[styles["state"], styles[status]].join(" ")} title={title} role="status" data-live={status}>
      <Icon aria-hidden="true" />
      <span>{word}</span>
    </span>
  );
}
