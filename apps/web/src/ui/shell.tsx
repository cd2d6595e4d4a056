"use client";
import { Menu, Search } from "lucide-react";
import { usePathname } from "next/navigation";
import { Dialog } from "radix-ui";
import { type ReactNode, useEffect, useState } from "react";
import { AccountMenu } from "./account-menu.tsx";
import type { Command } from "./command-palette.tsx";
import { Finder } from "./finder.tsx";
import { Link } from "./link.tsx";
import { LiveNotice } from "./live-notice.tsx";
import { LiveState } from "./live-state.tsx";
import { Logo } from "./logo.tsx";
import type { NavItem } from "./nav.ts";
import { isCurrent, navIcons } from "./nav.ts";
import styles from "./shell.module.css";

interface ShellProps {
  /** Pages of this part, in their order. */
  items: readonly NavItem[];
  /** Above the pages: whose part this is. */
  switcher: ReactNode;
  person: { email: string; displayName: string };
  /** Whose things the palette finds beside the pages; null: those of all. */
  tenant: string | null;
  children: ReactNode;
}

/** The frame of all pages for people that are signed in: pages at the side, search, account, and whether what is shown is live. */
export function Shell({ items, switcher, person, tenant, children }: ShellProps): ReactNode {
  const pathname = usePathname();
  const [isOpen, setIsOpen] = useState(false);
  const [isSearching, setIsSearching] = useState(false);
  useEffect(() => setIsOpen(false), [pathname]);
  const pages: Command[] = items.map(({ href, label }) => ({ group: "Pages", label, href }));
  const nav = (
    <>
      <div className={styles["switcher"]}>{switcher}</div>
      <nav aria-label="Pages">
        <ul className={styles["items"]}>
          {items.map(({ href, label, icon }) => {
            const Icon = navIcons[icon];
            return (
              <li key={href}>
                <Link href={href} aria-current={isCurrent(pathname, href, items) ? "page" : undefined}>
                  <Icon aria-hidden="true" />
                  {label}
                </Link>
              </li>
            );
          })}
        </ul>
      </nav>
    </>
  );
  return (
    <div className={styles["shell"]}>
      <a href="#content" className={styles["skip"]}>
        Skip to content
      </a>
      <header className={styles["bar"]}>
        <Dialog.Root open={isOpen} onOpenChange={setIsOpen}>
          <Dialog.Trigger className={styles["burger"]} aria-label="Open pages">
            <Menu aria-hidden="true" />
          </Dialog.Trigger>
          <Dialog.Portal>
            <Dialog.Overlay className={styles["overlay"]} />
            <Dialog.Content className={styles["drawer"]} aria-describedby={undefined}>
              <Dialog.Title className="visually-hidden">Pages</Dialog.Title>
              {nav}
            </Dialog.Content>
          </Dialog.Portal>
        </Dialog.Root>
        <Link href="/" className={styles["brand"]} aria-label="Pilothouse">
          <Logo />
          <span>Pilothouse</span>
        </Link>
        <div className={styles["right"]}>
          <LiveState />
          <button
            type="button"
            className={styles["search"]}
            aria-keyshortcuts="Control+K Meta+K"
            onClick={() => setIsSearching(true)}
          >
            <Search aria-hidden="true" />
            <span>Go to…</span>
            <kbd>Ctrl K</kbd>
          </button>
          <AccountMenu person={person} />
        </div>
      </header>
      <div className={styles["side"]}>
        <div className={styles["stuck"]}>{nav}</div>
      </div>
      <main id="content" className={styles["main"]} tabIndex={-1}>
        <LiveNotice />
        {children}
      </main>
      <Finder tenant={tenant} pages={pages} open={isSearching} onOpenChange={setIsSearching} />
    </div>
  );
}
