import { FleetError } from "../errors.ts";
import type { MachineCheck } from "./tool-checks.ts";

/** What went wrong while getting a part; each has its own remedy. */
export type PartErrorCode =
  | "manifest-invalid"
  | "tools-missing"
  | "command-failed"
  | "version-unavailable"
  | "checksum-mismatch"
  | "output-missing"
  | "parts-incomplete";

/** Getting a part failed. The message names the part, the reason and what to do. */
export class PartError extends FleetError {
  readonly code: PartErrorCode;
  /** The failed checks, where the machine lacks a program. */
  readonly problems: readonly MachineCheck[];

  constructor(
    code: PartErrorCode,
    message: string,
    options: { cause?: unknown; problems?: readonly MachineCheck[] } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = "PartError";
    this.code = code;
    this.problems = options.problems ?? [];
  }
}

/** The message of anything that was thrown. */
export const describeError = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The `code` of a Node error such as ENOENT, or undefined. */
export function readErrorCode(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
