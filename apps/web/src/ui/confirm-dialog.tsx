"use client";
import { type ReactNode, useState } from "react";
import { Button } from "./button.tsx";
import styles from "./confirm-dialog.module.css";
import { Dialog } from "./dialog.tsx";
import { Failure } from "./failure.tsx";
import { TextField } from "./field.tsx";

/** Asks before something that can't be undone: says what it does, and wants the name typed. */
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  name,
  consequence,
  action,
  onConfirm,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  /** To be typed. */
  name: string;
  /** What it will do, to what, and what stays. */
  consequence: ReactNode;
  /** On the button. */
  action: string;
  onConfirm: () => Promise<unknown>;
}): ReactNode {
  const [typed, setTyped] = useState("");
  const [busy, setBusy] = useState(false);
  const [failure, setFailure] = useState<Error | undefined>(undefined);
  const close = (next: boolean): void => {
    if (!next) setTyped("");
    setFailure(undefined);
    onOpenChange(next);
  };
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setFailure(undefined);
    try {
      await onConfirm();
      close(false);
    } catch (error) {
      setFailure(error instanceof Error ? error : new Error(String(error)));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Dialog open={open} onOpenChange={close} title={title} description={consequence}>
      <form
        className={styles["form"]}
        onSubmit={(event) => {
          event.preventDefault();
          if (typed === name) void confirm();
        }}
      >
        <TextField
          label={
            <>
              Type <code>{name}</code> to confirm
            </>
          }
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setTyped(event.target.value)}
        />
        {failure === undefined ? null : <Failure title="It was not done" error={failure} />}
        <div className={styles["actions"]}>
          <Button onClick={() => close(false)}>Cancel</Button>
          <Button type="submit" kind="danger" disabled={typed !== name} busy={busy}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}
