"use client";
import { Command as Palette } from "cmdk";
import { useRouter } from "next/navigation";
import { Dialog } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import styles from "./command-palette.module.css";
import { useFocusReturn } from "./use-focus-return.ts";

/** Somewhere to go. */
export interface Command {
  group: string;
  label: string;
  href: string;
}

/** So many of a group are listed; typing finds the others. */
const mostListed = 8;

const isTyping = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

/** Goes anywhere by a few letters: Ctrl K or Cmd K opens it, and `/` where a page has no search of its own. */
export function CommandPalette({
  open,
  onOpenChange,
  commands,
}: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  commands: readonly Command[];
}): ReactNode {
  const router = useRouter();
  const [search, setSearch] = useState("");
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const isShortcut = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k";
      const isSlash = event.key === "/" && !isTyping(event.target);
      if (!isShortcut && !isSlash) return;
      event.preventDefault();
      const field = isSlash ? document.querySelector<HTMLInputElement>("[data-page-search]") : null;
      if (field !== null) field.focus();
      else onOpenChange(true);
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, [onOpenChange]);
  const focusReturn = useFocusReturn();
  const change = (next: boolean): void => {
    setSearch("");
    onOpenChange(next);
  };
  const fits = ({ label }: Command): boolean => label.toLowerCase().includes(search.trim().toLowerCase());
  const groups = [...Map.groupBy(commands.filter(fits), ({ group }) => group)];
  return (
    <Dialog.Root open={open} onOpenChange={change}>
      <Dialog.Portal>
        <Dialog.Overlay className={styles["overlay"]} />
        <Dialog.Content className={styles["content"]} aria-label="Go to" aria-describedby={undefined} {...focusReturn}>
          <Palette shouldFilter={false} label="Go to" className={styles["palette"]}>
            <Palette.Input
              placeholder="Go to a page, a cluster, a control plane…"
              className={styles["input"]}
              value={search}
              onValueChange={setSearch}
            />
            <Palette.List className={styles["list"]}>
              <Palette.Empty className={styles["empty"]}>Nothing of that name.</Palette.Empty>
              {groups.map(([group, entries]) => (
                <Palette.Group key={group} heading={group} className={styles["group"]}>
                  {entries.slice(0, mostListed).map(({ label, href }) => (
                    <Palette.Item
                      key={`${href} ${label}`}
                      value={`${group} ${label}`}
                      className={styles["item"]}
                      onSelect={() => {
                        change(false);
                        router.push(href);
                      }}
                    >
                      {label}
                    </Palette.Item>
                  ))}
                </Palette.Group>
              ))}
            </Palette.List>
          </Palette>
        </Dialog.Content>
      </Dialog.Portal>
    </Dialog.Root>
  );
}
