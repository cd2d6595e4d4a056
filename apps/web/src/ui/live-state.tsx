"use client";
import { CirclePause, Radio, RefreshCw, Unplug } from "lucide-react";
import type { ReactNode } from "react";
import { useLive } from "#client/live.tsx";
import styles from "./live-state.module.css";

const states = {
  connecting: { icon: RefreshCw, word: "Connecting", title: "Opening the stream of events" },
  live: { icon: Radio, word: "Live", title: "What is shown follows what happens" },
  polling: {
    icon: RefreshCw,
    word: "Every 5 s",
    title: "The stream of events is lost; everything is read anew every 5 seconds",
  },
  unreachable: { icon: Unplug, word: "Not connected", title: "Pilothouse does not answer; what is shown stands still" },
  signedOut: { icon: Unplug, word: "Signed out", title: "The session is over. Sign in again" },
  shutOut: { icon: Unplug, word: "No access", title: "This is not open to you any more" },
  paused: { icon: CirclePause, word: "Paused", title: "Nobody looks at this page; it goes on when somebody does" },
} as const;

/** Says whether the page is live. */
export function LiveState(): ReactNode {
  const { status } = useLive();
  const { icon: Icon, word, title } = states[status];
  return (
    <span className={[styles["state"], styles[status]].join(" ")} title={title} role="status" data-live={status}>
      <Icon aria-hidden="true" />
      <span>{word}</span>
    </span>
  );
}
