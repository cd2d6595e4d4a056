import { Check, Circle, LoaderCircle, X } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./steps.module.css";

/** One step of something that takes time. */
export interface Step {
  name: string;
  label: string;
  state: "done" | "running" | "waiting" | "failed";
  /** Right of the label: how long it took, or has taken so far. */
  aside?: ReactNode;
}

const icons = { done: Check, running: LoaderCircle, waiting: Circle, failed: X } as const;
const words = { done: "done", running: "under way", waiting: "not begun", failed: "failed" } as const;

/** Steps in their order, each with its state as icon and word. */
export function Steps({ steps, label }: { steps: readonly Step[]; label: string }): ReactNode {
  return (
    <ol className={styles["steps"]} aria-label={label}>
      {steps.map(({ name, label: text, state, aside }) => {
        const Icon = icons[state];
        return (
          <li key={name} className={styles[state]} data-step={name} data-state={state}>
            <Icon aria-hidden="true" />
            <span>
              {text} <span className="visually-hidden">({words[state]})</span>
            </span>
            <span className={styles["aside"]}>{aside}</span>
          </li>
        );
      })}
    </ol>
  );
}
