import { Slot } from "radix-ui";
import type { ButtonHTMLAttributes, ReactNode } from "react";
import styles from "./button.module.css";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  /** `primary`: the one thing that this page is for. `danger`: what can't be undone. */
  kind?: "primary" | "plain" | "quiet" | "danger";
  size?: "small" | "medium";
  /** Something is under way: it can't be pressed again, and says so. */
  busy?: boolean;
  /** Gives its looks to the one child, such as a link. */
  asChild?: boolean;
  icon?: ReactNode;
}

/** A button, or with `asChild` a link that looks like one. */
export function Button({
  kind = "plain",
  size = "medium",
  busy = false,
  asChild = false,
  icon,
  className,
  children,
  disabled,
  ...rest
}: ButtonProps): ReactNode {
  const classes = [styles["button"], styles[kind], styles[size], className].filter(Boolean).join(" ");
  if (asChild) {
    return (
      <Slot.Root className={classes} {...rest}>
        {children}
      </Slot.Root>
    );
  }
  return (
    <button type="button" className={classes} disabled={disabled === true || busy} aria-busy={busy} {...rest}>
      {busy ? <span className={styles["spinner"]} aria-hidden="true" /> : icon}
      {children}
    </button>
  );
}
