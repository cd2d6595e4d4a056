import type { Placement } from "@pilothouse/contract";
import type { ReactNode } from "react";
import { Status } from "../status.tsx";
import { describeScores } from "./describe-scores.ts";
import styles from "./placement-reasons.module.css";

/** Why an istiod cluster was chosen, and why each other one was not. */
export function PlacementReasons({ placement }: { placement: Placement }): ReactNode {
  const { istiodCluster, candidates, rejected } = placement;
  const best = Math.max(1, ...candidates.map(({ score }) => score));
  return (
    <div className={styles["reasons"]}>
      {istiodCluster === null ? <p>No istiod cluster can take it now. Each says why.</p> : null}
      {candidates.length === 0 ? null : (
        <table className={styles["table"]} aria-label="Istiod clusters that could take it">
          <thead>
            <tr>
              <th scope="col">Istiod cluster</th>
              <th scope="col">Region</th>
              <th scope="col">Score</th>
              <th scope="col">Because</th>
            </tr>
          </thead>
          <tbody>
            {candidates.map(({ istiodCluster: name, region, score, scores }) => (
              <tr key={name}>
                <th scope="row">
                  <span className={styles["name"]}>
                    {name} {name === istiodCluster ? <Status tone="ok">chosen</Status> : null}
                  </span>
                </th>
                <td>{region}</td>
                <td className="tabular">
                  <meter min={0} max={best} value={Math.max(0, score)} aria-label={`score ${Math.round(score)}`} />{" "}
                  {Math.round(score)}
                </td>
                <td>
                  <ul className={styles["parts"]}>
                    {describeScores(scores).map((part) => (
                      <li key={part}>{part}</li>
                    ))}
                  </ul>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {rejected.length === 0 ? null : (
        <ul className={styles["rejected"]} aria-label="Istiod clusters that could not">
          {rejected.map(({ istiodCluster: name, reason, message }) => (
            <li key={name}>
              <strong>{name}</strong> <code>{reason}</code>
              <p>{message}</p>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
