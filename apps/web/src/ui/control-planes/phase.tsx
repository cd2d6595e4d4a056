import type { ControlPlanePhase } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Status, type StatusTone } from "../status.tsx";

const tones: Record<ControlPlanePhase, StatusTone> = {
  Provisioning: "busy",
  Ready: "ok",
  Degraded: "bad",
  Unknown: "unknown",
  Deleting: "busy",
};

/** A control plane's phase as icon and word. */
export function ControlPlaneStatus({ phase, quiet = false }: { phase: ControlPlanePhase; quiet?: boolean }): ReactNode {
  return (
    <Status tone={tones[phase]} quiet={quiet}>
      {phase}
    </Status>
  );
}
