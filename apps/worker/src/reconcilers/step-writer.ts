import { beginOperation, type Database, type Lease, type LiveOperation, saveOperationStep } from "@pilothouse/core";
import { describeError, type Log } from "../log.ts";

/** Writes down an operation's steps while its reconcile goes on. */
export interface StepWriter {
  onStep: (name: string) => void;
  /** Returns when all are written. A step that could not be written is only logged: the next look reports it again. */
  flush: () => Promise<void>;
}

/** @param steps all names in order; their places are the steps' positions */
export function createStepWriter(
  database: Database,
  lease: Lease,
  operation: LiveOperation | null,
  { steps, log }: { steps: readonly string[]; log: Log },
): StepWriter {
  const begun = operation === null ? Promise.resolve() : beginOperation(database, lease, operation);
  let writing = begun.catch((error: unknown) =>
    log("warn", "the begin of an operation could not be written", {
      operation: operation?.id,
      error: describeError(error),
    }),
  );
  const seen = new Set<string>();
  return {
    onStep(name) {
      if (operation === null || seen.has(name)) return;
      seen.add(name);
      writing = writing
        .then(() => saveOperationStep(database, lease, operation, { name, position: steps.indexOf(name) }))
        .catch((error: unknown) =>
          log("warn", "a step could not be written", {
            operation: operation.id,
            step: name,
            error: describeError(error),
          }),
        );
    },
    flush: () => writing,
  };
}
