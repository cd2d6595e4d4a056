import { Compass } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "#ui/button.tsx";
import styles from "#ui/centered.module.css";
import { EmptyState } from "#ui/empty-state.tsx";
import { Link } from "#ui/link.tsx";

/** For addresses that lead nowhere, or to what belongs to others: the two look the same. */
export default function NotFound(): ReactNode {
  return (
    <main className={styles["centered"]}>
      <EmptyState
        isPage
        picture={<Compass />}
        title="There is nothing at this address"
        action={
          <Button asChild kind="primary">
            <Link href="/">To the overview</Link>
          </Button>
        }
      >
        It was removed, never was, or belongs to a tenant you are not a member of.
      </EmptyState>
    </main>
  );
}
