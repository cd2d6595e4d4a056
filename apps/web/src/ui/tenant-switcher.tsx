"use client";
import { Check, ChevronsUpDown } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import type { ReactNode } from "react";
import { Link } from "./link.tsx";
import styles from "./menu.module.css";
import switcher from "./tenant-switcher.module.css";

/** Whose pages these are, and those of others that the person belongs to. */
export function TenantSwitcher({
  current,
  isOperator,
  memberships,
}: {
  /** Name of a tenant; undefined on the operators' pages. */
  current: string | undefined;
  isOperator: boolean;
  memberships: readonly { tenant: string; displayName: string; role: string }[];
}): ReactNode {
  const shown = memberships.find(({ tenant }) => tenant === current);
  return (
    <DropdownMenu.Root>
      <DropdownMenu.Trigger className={switcher["trigger"]}>
        <span className={switcher["words"]}>
          <strong>{shown?.displayName ?? "Operations"}</strong>
          <span>{shown === undefined ? "the whole fleet" : shown.role}</span>
        </span>
        <ChevronsUpDown aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className={styles["menu"]} align="start" sideOffset={6}>
          {memberships.map(({ tenant, displayName }) => (
            <DropdownMenu.Item key={tenant} asChild className={styles["item"]}>
              <Link href={`/tenants/${tenant}`}>
                {tenant === current ? (
                  <span className={styles["check"]}>
                    <Check aria-hidden="true" />
                  </span>
                ) : null}
                {displayName}
              </Link>
            </DropdownMenu.Item>
          ))}
          {isOperator ? (
            <DropdownMenu.Item asChild className={styles["item"]}>
              <Link href="/admin">
                {current === undefined ? (
                  <span className={styles["check"]}>
                    <Check aria-hidden="true" />
                  </span>
                ) : null}
                Operations
              </Link>
            </DropdownMenu.Item>
          ) : null}
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
