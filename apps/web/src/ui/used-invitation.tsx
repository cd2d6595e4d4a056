import { MailX } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import styles from "./centered.module.css";
import { EmptyState } from "./empty-state.tsx";
import { Link } from "./link.tsx";

/** For an invitation that no longer holds. */
export function UsedInvitation(): ReactNode {
  return (
    <main className={styles["centered"]}>
      <EmptyState
        isPage
        picture={<MailX />}
        title="This invitation no longer holds"
        action={
          <Button asChild>
            <Link href="/sign-in">Sign in</Link>
          </Button>
        }
      >
        It was used, has expired, or was never made. If you have set a password, sign in with it; if not, ask whoever
        sent it for a new one.
      </EmptyState>
    </main>
  );
}
