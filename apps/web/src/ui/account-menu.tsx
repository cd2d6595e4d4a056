"use client";
import { Check, CircleUser } from "lucide-react";
import { DropdownMenu } from "radix-ui";
import { type ReactNode, useState } from "react";
import { signOut } from "#client/sign-in.ts";
import { chooseTheme, readTheme, type Theme } from "#client/theme.ts";
import styles from "./menu.module.css";

const themes: readonly (readonly [Theme, string])[] = [
  ["system", "As the system"],
  ["light", "Light"],
  ["dark", "Dark"],
];

/** Who is signed in, how pages look, and the way out. */
export function AccountMenu({ person }: { person: { email: string; displayName: string } }): ReactNode {
  const [theme, setTheme] = useState<Theme>("system");
  return (
    <DropdownMenu.Root onOpenChange={(isOpen) => isOpen && setTheme(readTheme())}>
      <DropdownMenu.Trigger className={styles["trigger"]} aria-label={`Account of ${person.email}`}>
        <CircleUser aria-hidden="true" />
      </DropdownMenu.Trigger>
      <DropdownMenu.Portal>
        <DropdownMenu.Content className={styles["menu"]} align="end" sideOffset={6}>
          <DropdownMenu.Label className={styles["label"]}>
            {person.displayName === "" ? null : <strong>{person.displayName}</strong>}
            <span>{person.email}</span>
          </DropdownMenu.Label>
          <DropdownMenu.Separator className={styles["separator"]} />
          <DropdownMenu.RadioGroup
            value={theme}
            onValueChange={(value) => {
              const chosen = themes.find(([name]) => name === value)?.[0] ?? "system";
              setTheme(chosen);
              chooseTheme(chosen);
            }}
          >
            {themes.map(([name, label]) => (
              <DropdownMenu.RadioItem key={name} value={name} className={styles["item"]}>
                <DropdownMenu.ItemIndicator className={styles["check"]}>
                  <Check aria-hidden="true" />
                </DropdownMenu.ItemIndicator>
                {label}
              </DropdownMenu.RadioItem>
            ))}
          </DropdownMenu.RadioGroup>
          <DropdownMenu.Separator className={styles["separator"]} />
          <DropdownMenu.Item className={styles["item"]} onSelect={() => void signOut()}>
            Sign out
          </DropdownMenu.Item>
        </DropdownMenu.Content>
      </DropdownMenu.Portal>
    </DropdownMenu.Root>
  );
}
