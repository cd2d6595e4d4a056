import { Slot } from "radix-ui";
import { type ButtonHTMLAttributes, isValidElement, type ReactNode } from "react";
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
  /** Why it can't be pressed; it stays where it is, and says so. */
  refusal?: string | undefined;
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
  refusal,
  ...rest
}: ButtonProps): ReactNode {
  const classes = [styles["button"], styles[kind], styles[size], className].filter(Boolean).join(" ");
  if (refusal !== undefined) {
    const words = isValidElement<{ children?: ReactNode }>(children) && asChild ? children.props.children : children;
    return (
      <button type="button" className={classes} aria-disabled="true" title={refusal}>
        {icon}
        {words}
      </button>
    );
  }
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
