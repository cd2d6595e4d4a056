"use client";
import { operations } from "@pilothouse/contract";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { call } from "#client/api.ts";
import { keys } from "#client/keys.ts";
import { Button } from "../button.tsx";
import { Card } from "../card.tsx";
import { Failure } from "../failure.tsx";
import { Skeleton } from "../skeleton.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./settings.module.css";

const browsers = ["Firefox", "Edg", "Chrome", "Safari"] as const;

/** What each says of its system, and how people call that. */
const systems = [
  ["iPhone", "iPhone"],
  ["iPad", "iPad"],
  ["Android", "Android"],
  ["Macintosh", "macOS"],
  ["Windows", "Windows"],
  ["X11", "Linux"],
] as const;

/** A browser's name out of what it says of itself; good enough to tell one's own apart. */
function nameBrowser(userAgent: string): string {
  const name = browsers.find((browser) => userAgent.includes(`${browser}/`));
  const system = systems.find(([sign]) => userAgent.includes(sign))?.[1];
  if (name === undefined) return userAgent === "" ? "Unknown browser" : userAgent.slice(0, 60);
  return `${name === "Edg" ? "Edge" : name}${system === undefined ? "" : ` on ${system}`}`;
}

/** Where somebody is signed in, each to be signed out. */
export function OwnSessions(): ReactNode {
  const queries = useQueryClient();
  const { data, error, refetch } = useQuery({
    queryKey: keys.sessions,
    queryFn: ({ signal }) => call(operations.listSessions, { signal }),
  });
  const revoke = useMutation({
    mutationFn: (session: string) => call(operations.revokeSession, { params: { session } }),
    onSettled: () => queries.invalidateQueries({ queryKey: keys.sessions }),
  });
  return (
    <Card title="Where you are signed in">
      {data === undefined && error === null ? <Skeleton label="sessions" /> : null}
      {error === null ? null : (
        <Failure title="Your sessions could not be read" error={error} onRetry={() => void refetch()} />
      )}
      {revoke.error === null ? null : <Failure title="It was not signed out" error={revoke.error} />}
      <ul className={styles["rows"]}>
        {data?.items.map(({ id, userAgent, isCurrent, createdAt }) => (
          <li key={id}>
            <strong>{nameBrowser(userAgent)}</strong>
            <span>{isCurrent ? <Status tone="ok">this one</Status> : null}</span>
            <span>
              since <TimeAgo at={createdAt} />
            </span>
            {isCurrent ? null : (
              <Button size="small" busy={revoke.isPending && revoke.variables === id} onClick={() => revoke.mutate(id)}>
                Sign out
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Card>
  );
}
