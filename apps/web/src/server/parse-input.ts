import type { ProblemCode } from "@pilothouse/contract";
import { DomainError } from "@pilothouse/core";
import type { z } from "zod";

/** One thing that is wrong with a request. */
interface Fault {
  parameter: string;
  detail: string;
}

/** Most faults that an answer lists. */
const mostFaults = 20;

/**
 * Parses a part of a request by its schema.
 * @param codes for a value that is not valid, and for a name that is not known
 * @throws DomainError that names every faulty parameter and repeats no value
 */
export function parseInput<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  codes: { invalid: ProblemCode; unknown: ProblemCode },
): z.output<Schema> {
  const parsed = schema.safeParse(input);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.flatMap((issue) => listFaults(issue, input)).slice(0, mostFaults);
  const [first = { parameter: "body", detail: "is not valid" }] = faults;
  const isUnknown = parsed.error.issues.every(({ code }) => code === "unrecognized_keys");
  throw new DomainError(isUnknown ? codes.unknown : codes.invalid, `${first.parameter} ${first.detail}.`, {
    parameter: first.parameter,
    ...(faults.length > 1 ? { details: { errors: faults } } : {}),
  });
}

function listFaults(issue: z.core.$ZodIssue, input: unknown): Fault[] {
  if (issue.code === "unrecognized_keys") {
    const prefix = issue.path.map(String);
    return issue.keys.map((key) => ({
      parameter: [...prefix, key.slice(0, 100)].join("."),
      detail: "is not known here",
    }));
  }
  const parameter = issue.path.length === 0 ? "body" : issue.path.map(String).join(".");
  return [{ parameter, detail: describeIssue(issue, input) }];
}

function describeIssue(issue: z.core.$ZodIssue, input: unknown): string {
  const isMissing = issue.path.length > 0 && findValue(input, issue.path) === undefined;
  if (isMissing && (issue.code === "invalid_type" || issue.code === "invalid_value")) return "is missing";
  switch (issue.code) {
    case "invalid_type":
      return `must be ${name(issue.expected)}`;
    case "invalid_value":
      return `must be one of ${issue.values.map((value) => String(value)).join(", ")}`;
    case "too_small":
      return `must ${describeBound(issue.origin, "at least", issue.minimum)}`;
    case "too_big":
      return `must ${describeBound(issue.origin, "at most", issue.maximum)}`;
    case "invalid_format":
      return issue.message.startsWith("must ") ? issue.message : `must be ${name(issue.format)}`;
    default:
      return issue.message.startsWith("must ") ? issue.message : "is not valid";
  }
}

const names: Readonly<Record<string, string>> = {
  int: "a whole number",
  array: "an array",
  object: "an object",
  datetime: "a time in UTC, such as 2026-01-31T12:00:00Z",
  date: "a day, such as 2026-01-31",
  uuid: "a UUID",
};

function name(type: string): string {
  return names[type] ?? `a ${type}`;
}

function describeBound(origin: string, direction: string, bound: number | bigint): string {
  if (origin === "string") return `be ${direction} ${bound} characters long`;
  if (origin === "array") return `have ${direction} ${bound} items`;
  return `be ${direction} ${bound}`;
}

function findValue(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}
