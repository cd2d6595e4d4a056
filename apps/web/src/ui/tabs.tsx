"use client";
import { Tabs as Primitive } from "radix-ui";
import type { ReactNode } from "react";
import { useAddressParameter } from "#client/use-address.ts";
import styles from "./tabs.module.css";

/** One of several parts of a page. */
export interface Tab {
  /** In the address. */
  id: string;
  label: ReactNode;
  content: ReactNode;
}

/** Parts of a page of which one is seen; which one is in the address. The first is there without a word in it. */
export function Tabs({ tabs, label }: { tabs: readonly Tab[]; label: string }): ReactNode {
  const [asked, setAsked] = useAddressParameter("tab");
  const first = tabs[0]?.id ?? "";
  const shown = tabs.some(({ id }) => id === asked) ? asked : first;
  return (
    <Primitive.Root
      value={shown}
      onValueChange={(next) => setAsked(next === first ? "" : next)}
      className={styles["tabs"]}
    >
      <Primitive.List aria-label={label} className={styles["list"]}>
        {tabs.map((tab) => (
          <Primitive.Trigger key={tab.id} value={tab.id} className={styles["tab"]}>
            {tab.label}
          </Primitive.Trigger>
        ))}
      </Primitive.List>
      {tabs.map((tab) => (
        <Primitive.Content key={tab.id} value={tab.id} className={styles["content"]}>
          {tab.content}
        </Primitive.Content>
      ))}
    </Primitive.Root>
  );
}
