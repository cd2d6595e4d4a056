import { type ComponentProps, type ReactNode, useId } from "react";
import styles from "./field.module.css";

interface FrameProps {
  label: ReactNode;
  /** What to enter, under the label. */
  hint?: ReactNode;
  /** What is wrong with what was entered. */
  error?: string | undefined;
}

function describedBy(id: string, { hint, error }: FrameProps): string | undefined {
  const ids = [hint === undefined ? undefined : `${id}-hint`, error === undefined ? undefined : `${id}-error`];
  return ids.filter(Boolean).join(" ") || undefined;
}

function FieldFrame({ id, label, hint, error, children }: FrameProps & { id: string; children: ReactNode }): ReactNode {
  return (
    <div className={styles["field"]}>
      <label htmlFor={id} className={styles["label"]}>
        {label}
      </label>
      {hint === undefined ? null : (
        <p id={`${id}-hint`} className={styles["hint"]}>
          {hint}
        </p>
      )}
      {children}
      {error === undefined ? null : (
        <p id={`${id}-error`} className={styles["error"]} role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

/** One line of text with its label. */
export function TextField({
  label,
  hint,
  error,
  ...input
}: FrameProps & Omit<ComponentProps<"input">, "id">): ReactNode {
  const id = useId();
  const frame = { label, hint, error };
  return (
    <FieldFrame id={id} {...frame}>
      <input
        id={id}
        className={styles["control"]}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy(id, frame)}
        {...input}
      />
    </FieldFrame>
  );
}

/** Several lines of text with their label. */
export function TextArea({
  label,
  hint,
  error,
  ...input
}: FrameProps & Omit<ComponentProps<"textarea">, "id">): ReactNode {
  const id = useId();
  const frame = { label, hint, error };
  return (
    <FieldFrame id={id} {...frame}>
      <textarea
        id={id}
        className={[styles["control"], styles["area"]].join(" ")}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy(id, frame)}
        {...input}
      />
    </FieldFrame>
  );
}

/** One of a few, with its label. */
export function SelectField({
  label,
  hint,
  error,
  children,
  ...input
}: FrameProps & Omit<ComponentProps<"select">, "id">): ReactNode {
  const id = useId();
  const frame = { label, hint, error };
  return (
    <FieldFrame id={id} {...frame}>
      <select
        id={id}
        className={styles["control"]}
        aria-invalid={error !== undefined}
        aria-describedby={describedBy(id, frame)}
        {...input}
      >
        {children}
      </select>
    </FieldFrame>
  );
}
