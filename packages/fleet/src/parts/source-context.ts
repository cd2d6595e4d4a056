import type { Environment } from "./command.ts";
import type { PartRecord } from "./store.ts";

/** What the getting of a part tells while it goes on. */
export type StepListener = (step: string, done?: number, total?: number) => void;

/** What every way of getting a part is handed. */
export interface SourceContext {
  /** An empty folder, to be filled with the part's files. */
  work: string;
  /** A folder for what is needed only while working. */
  scratch: string;
  environment: Environment;
  signal: AbortSignal;
  onStep: StepListener;
}

/** What was really used, and where it differs from the manifest. */
export type SourceResult = Pick<PartRecord, "used" | "notes">;
