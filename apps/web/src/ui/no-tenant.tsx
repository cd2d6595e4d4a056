import { Anchor } from "lucide-react";
import type { ReactNode } from "react";
import { EmptyState } from "./empty-state.tsx";
import styles from "./centered.module.css";
import { SignOutButton } from "./sign-out-button.tsx";

/** For somebody who is signed in and belongs nowhere. */
export function NoTenant({ email }: { email: string }): ReactNode {
  return (
    <main className={styles["centered"]}>
      <EmptyState isPage picture={<Anchor />} title="You belong to no tenant yet" action={<SignOutButton />}>
        Somebody with the role admin or owner adds you as {email} under Settings, Members. Then come back to this page.
      </EmptyState>
    </main>
  );
}
