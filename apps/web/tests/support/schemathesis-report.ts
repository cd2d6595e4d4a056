import { z } from "zod";

/** What a run of schemathesis did and found. */
export interface SchemathesisReport {
  /** Requests that were answered. */
  requests: number;
  /** How often each operation, as `GET /path`, was answered with each status. */
  statuses: Record<string, Record<number, number>>;
  /** Checks that were made of answers, and how often. */
  checks: Record<string, number>;
  /** Checks that failed, each with operation and reason; requests without an answer; errors of schemathesis itself. */
  failures: string[];
  /** Whether it ran to its end. */
  completed: boolean;
}

const interactionSchema = z.object({ response: z.object({ status_code: z.number() }).nullish() });
const checkSchema = z.object({
  name: z.string(),
  status: z.string(),
  failure_info: z.object({ failure: z.object({ title: z.string(), message: z.string() }) }).nullish(),
});
const scenarioSchema = z.object({
  recorder: z.object({
    label: z.string(),
    interactions: z.record(z.string(), interactionSchema).default({}),
    checks: z.record(z.string(), z.array(checkSchema)).default({}),
  }),
});
const errorSchema = z.object({ value: z.unknown(), exception: z.unknown(), label: z.string().optional() });
const endSchema = z.object({ stop_reason: z.string() });

/**
 * Reads schemathesis's report of events, one JSON object in each line: `{"<type>": {...}}`.
 * @throws Error when it has another form than that of the pinned version
 */
export function readSchemathesisReport(text: string): SchemathesisReport {
  const report: SchemathesisReport = { requests: 0, statuses: {}, checks: {}, failures: [], completed: false };
  for (const line of text.split("\n").filter((each) => each !== "")) {
    for (const [type, event] of Object.entries(z.record(z.string(), z.unknown()).parse(JSON.parse(line)))) {
      if (type === "ScenarioFinished") addScenario(report, scenarioSchema.parse(event));
      if (type === "NonFatalError" || type === "FatalError" || type === "Interrupted") {
        const { label = "run", value, exception } = errorSchema.parse(event);
        report.failures.push(`${label}: ${type} ${JSON.stringify(value ?? exception ?? null)}`);
      }
      if (type === "EngineFinished") report.completed = endSchema.parse(event).stop_reason === "completed";
    }
  }
  report.failures = [...new Set(report.failures)];
  return report;
}

function addScenario(report: SchemathesisReport, { recorder }: z.infer<typeof scenarioSchema>): void {
  const { label } = recorder;
  const statuses = (report.statuses[label] ??= {});
  for (const { response } of Object.values(recorder.interactions)) {
    if (response === null || response === undefined) {
      report.failures.push(`${label}: no answer`);
      continue;
    }
    const status = response.status_code;
    report.requests += 1;
    statuses[status] = (statuses[status] ?? 0) + 1;
    // Also one that a check would let pass because the document lists it.
    if (status >= 500) report.failures.push(`${label}: answered ${status}`);
  }
  for (const { name, status, failure_info: info } of Object.values(recorder.checks).flat()) {
    report.checks[name] = (report.checks[name] ?? 0) + 1;
    if (status === "success" || status === "skip") continue;
    const why = info === null || info === undefined ? status : `${info.failure.title}: ${info.failure.message}`;
    report.failures.push(`${label}: ${name}: ${why}`);
  }
}
