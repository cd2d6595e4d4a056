import { Compass } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { Card } from "./card.tsx";
import { EmptyState } from "./empty-state.tsx";
import { Link } from "./link.tsx";

/** For a page whose object is not there, or no more. */
export function GoneState({
  what,
  wasSeen = false,
  back,
}: {
  what: string;
  /** It was there while the page was open. */
  wasSeen?: boolean;
  back: { href: string; label: string };
}): ReactNode {
  return (
    <Card>
      <EmptyState
        isPage
        picture={<Compass />}
        title={wasSeen ? `The ${what} is gone` : `There is no ${what}`}
        action={
          <Button asChild kind="primary">
            <Link href={back.href}>{back.label}</Link>
          </Button>
        }
      >
        {wasSeen ? "" : "It was deleted, or never was. "}What became of it is under Activity.
      </EmptyState>
    </Card>
  );
}
