import type { Worker } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Card } from "../card.tsx";
import { Status } from "../status.tsx";
import { TimeAgo } from "../time-ago.tsx";
import styles from "./work-page.module.css";

/** Each worker with what it says of itself. */
export function Workers({ workers }: { workers: readonly Worker[] }): ReactNode {
  return (
    <Card title="Workers" flush>
      {workers.length === 0 ? null : (
        <div className={styles["scroll"]} tabIndex={0} role="region" aria-label="Workers">
          <table>
            <thead>
              <tr>
                <th scope="col">Worker</th>
                <th scope="col">State</th>
                <th scope="col">Looks now</th>
                <th scope="col">Watches</th>
                <th scope="col">Retries</th>
                <th scope="col">Corrections</th>
                <th scope="col">Lost leases</th>
                <th scope="col">Breakers</th>
                <th scope="col">Started</th>
              </tr>
            </thead>
            <tbody>
              {workers.map((worker) => (
                <tr key={worker.id}>
                  <th scope="row">
                    <code>{worker.id}</code>
                  </th>
                  <td>
                    {worker.isStale ? (
                      <Status tone="unknown" quiet>
                        silent
                      </Status>
                    ) : (
                      <Status tone="ok" quiet>
                        reports
                      </Status>
                    )}
                  </td>
                  <td>{worker.running}</td>
                  <td>{worker.sentinels}</td>
                  <td>{worker.retries.cluster + worker.retries.revision}</td>
                  <td>{worker.corrections}</td>
                  <td>{worker.lostLeases}</td>
                  <td>{describeBreakers(worker)}</td>
                  <td>
                    <TimeAgo at={worker.startedAt} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function describeBreakers({ breakers }: Worker): ReactNode {
  const open = breakers.filter(({ state }) => state !== "closed");
  if (open.length === 0) return "all closed";
  return (
    <Status tone="bad" quiet>
      {open.map(({ istiodCluster, state }) => `${istiodCluster} ${state}`).join(", ")}
    </Status>
  );
}
