"use client";
import type { ControlPlanePhase } from "@pilothouse/contract";
import type { ReactNode } from "react";
import styles from "./health-line.module.css";
import { Link } from "./link.tsx";
import { Status, type StatusTone } from "./status.tsx";

/** Worst first, by what it means for a mesh. */
const severity: readonly ControlPlanePhase[] = ["Degraded", "Unknown", "Provisioning", "Deleting", "Ready"];

const phaseTones: Record<ControlPlanePhase, StatusTone> = {
  Degraded: "bad",
  Unknown: "unknown",
  Provisioning: "busy",
  Deleting: "busy",
  Ready: "ok",
};

/** Of one control plane, and of several. */
const phaseWords: Record<ControlPlanePhase, readonly [one: string, several: string]> = {
  Degraded: ["does not serve", "do not serve"],
  Unknown: ["can’t be seen", "can’t be seen"],
  Provisioning: ["comes up", "come up"],
  Deleting: ["is being deleted", "are being deleted"],
  Ready: ["serves", "serve"],
};

/** How many control planes serve, as one line that leads to those that don't. */
export function HealthLine({
  controlPlanes,
  list,
}: {
  controlPlanes: readonly { phase: ControlPlanePhase }[];
  /** Address of the list, which can be searched by phase. */
  list: string;
}): ReactNode {
  const all = controlPlanes.length;
  const counts = severity
    .map((phase) => [phase, controlPlanes.filter((one) => one.phase === phase).length] as const)
    .filter(([, count]) => count > 0);
  return (
    <section className={styles["health"]} aria-label="Health of all control planes">
      <div className={styles["bar"]} aria-hidden="true">
        {counts.map(([phase, count]) => (
          <span key={phase} className={styles[phaseTones[phase]]} style={{ flexGrow: count }} />
        ))}
      </div>
      <ul className={styles["legend"]}>
        {counts.map(([phase, count]) => (
          <li key={phase}>
            <Link href={`${list}?q=phase:${phase.toLowerCase()}`}>
              <Status tone={phaseTones[phase]} quiet>
                {count} of {all} {phaseWords[phase][count === 1 ? 0 : 1]}
              </Status>
            </Link>
          </li>
        ))}
        {all === 0 ? <li>No control plane yet.</li> : null}
      </ul>
    </section>
  );
}
