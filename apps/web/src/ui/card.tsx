import type { ReactNode } from "react";
import styles from "./card.module.css";

/** A part of a page with a heading of its own. */
export function Card({
  title,
  aside,
  children,
  flush = false,
}: {
  title?: ReactNode;
  /** On the heading's other side: a link, a count. */
  aside?: ReactNode;
  children: ReactNode;
  /** Content goes up to the edges, as a table does. */
  flush?: boolean;
}): ReactNode {
  return (
    <section className={styles["card"]}>
      {title === undefined ? null : (
        <header className={styles["header"]}>
          <h2>{title}</h2>
          {aside}
        </header>
      )}
      <div className={flush ? styles["flush"] : styles["content"]}>{children}</div>
    </section>
  );
}

/** Things with their values, as of one object. */
export function Facts({ items }: { items: readonly (readonly [name: string, value: ReactNode])[] }): ReactNode {
  return (
    <dl className={styles["facts"]}>
      {items.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
