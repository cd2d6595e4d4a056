import { CircleHelp, Route, ShieldCheck } from "lucide-react";
import type { ReactNode } from "react";
import styles from "./entry-frame.module.css";
import { Logo } from "./logo.tsx";

const points = [
  [Route, "istiod runs outside of your cluster. Proxies and webhooks reach it at one name."],
  [ShieldCheck, "Each way through it is proven from your mesh’s side before it counts as Ready, and ever after."],
  [CircleHelp, "What can’t be seen is called Unknown, never healthy."],
] as const;

/** The frame of pages for people who are not signed in yet: what to do on one side, what this is on the other. */
export function EntryFrame({
  title,
  line,
  children,
}: {
  title: string;
  /** Under the title. */
  line: ReactNode;
  children: ReactNode;
}): ReactNode {
  return (
    <div className={styles["frame"]}>
      <main className={styles["side"]}>
        <div className={styles["panel"]}>
          <p className={styles["brand"]}>
            <Logo />
            Pilothouse
          </p>
          <div className={styles["head"]}>
            <h1>{title}</h1>
            <p>{line}</p>
          </div>
          {children}
        </div>
      </main>
      <aside className={styles["about"]} aria-label="About Pilothouse">
        <div className={styles["wheel"]} aria-hidden="true">
          <Logo />
        </div>
        <div className={styles["words"]}>
          <h2>Istio control planes, as a service</h2>
          <ul>
            {points.map(([Icon, text]) => (
              <li key={text}>
                <Icon aria-hidden="true" />
                {text}
              </li>
            ))}
          </ul>
        </div>
      </aside>
    </div>
  );
}
