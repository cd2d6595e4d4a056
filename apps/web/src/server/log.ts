type Level = "info" | "warn" | "error";

/** Writes one line of JSON to standard output. Callers hand in no secrets, bodies or kubeconfigs. */
export function log(level: Level, message: string, fields: Record<string, unknown> = {}): void {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), level, message, ...fields })}\n`);
}

/** An error in a form that can be logged: name, message, code and place, of limited length, with what caused it. */
export function describeError(error: unknown, depth = 0): Record<string, unknown> {
  if (!(error instanceof Error)) return { error: String(error).slice(0, 500) };
  const code: unknown = "code" in error ? error.code : undefined;
  return {
    error: `${error.name}: ${error.message}`.slice(0, 1_000),
    ...(typeof code === "string" ? { code } : {}),
    stack: error.stack?.split("\n").slice(1, 9).join("\n"),
    ...(error.cause === undefined || depth > 3 ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}
