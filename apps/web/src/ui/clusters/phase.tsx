import type { ClusterPhase } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Status, type StatusTone } from "../status.tsx";

const phases: Record<ClusterPhase, { tone: StatusTone; word: string }> = {
  Connecting: { tone: "busy", word: "Connecting" },
  Connected: { tone: "ok", word: "Connected" },
  ConnectFailed: { tone: "bad", word: "Not connected" },
  Degraded: { tone: "bad", word: "Degraded" },
  Unknown: { tone: "unknown", word: "Unknown" },
  Disconnecting: { tone: "busy", word: "Disconnecting" },
};

/** A mesh cluster's phase as icon and word. */
export function ClusterStatus({ phase, quiet = false }: { phase: ClusterPhase; quiet?: boolean }): ReactNode {
  const { tone, word } = phases[phase];
  return (
    <Status tone={tone} quiet={quiet}>
      {word}
    </Status>
  );
}
