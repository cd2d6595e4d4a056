"use client";
import { X } from "lucide-react";
import { Dialog as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import styles from "./dialog.module.css";
import { useFocusReturn } from "./use-focus-return.ts";

/** A dialog over the page. It takes the keyboard, gives it back, and is left with Escape. */
export function Dialog({
  open,
  onOpenChange,
  title,
  description,
  children,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  description: ReactNode;
  children: ReactNode;
}): ReactNode {
  const focusReturn = useFocusReturn();
  return (
    <Primitive.Root open={open} onOpenChange={onOpenChange}>
      <Primitive.Portal>
        <Primitive.Overlay className={styles["overlay"]} />
        <Primitive.Content className={styles["content"]} {...focusReturn}>
          <div className={styles["head"]}>
            <Primitive.Title asChild>
              <h2>{title}</h2>
            </Primitive.Title>
            <Primitive.Close className={styles["close"]} aria-label="Close">
              <X aria-hidden="true" />
            </Primitive.Close>
          </div>
          <Primitive.Description asChild>
            <div className={styles["description"]}>{description}</div>
          </Primitive.Description>
          {children}
        </Primitive.Content>
      </Primitive.Portal>
    </Primitive.Root>
  );
}
