import type { Transaction } from "../database/connect.ts";
import { DomainError, unknownReference } from "../errors.ts";
import { compareVersions } from "./compare-versions.ts";

/**
 * Resolves what a tenant asked for, a version or the newest available one of a line, into a version that can be ordered.
 * @throws DomainError UnknownReference when there is no such version or line; VersionNotAvailable when it can't be ordered any more
 */
export async function chooseVersion(
  transaction: Transaction,
  wanted: { version?: string | undefined; line?: string | undefined },
): Promise<{ version: string; line: string }> {
  if (wanted.version !== undefined) return chooseNamed(transaction, wanted.version);
  const name = wanted.line ?? "";
  const line = await transaction.versionLine.findUnique({ where: { name }, include: { versions: true } });
  if (line === null) throw unknownReference("line", "version line", name);
  refuseRetired(line, "line");
  const newest = line.versions
    .filter(({ state }) => state === "available")
    .toSorted((a, b) => compareVersions(b.name, a.name))[0];
  if (newest === undefined) {
    throw new DomainError(
      "VersionNotAvailable",
      `Line ${name} has no version that can be ordered. Choose another line.`,
      {
        parameter: "line",
      },
    );
  }
  return { version: newest.name, line: name };
}

async function chooseNamed(transaction: Transaction, name: string): Promise<{ version: string; line: string }> {
  const version = await transaction.version.findUnique({ where: { name }, include: { line: true } });
  if (version === null) throw unknownReference("version", "version", name);
  if (version.state !== "available") {
    throw new DomainError("VersionNotAvailable", `Version ${name} was withdrawn. Choose another one.`, {
      parameter: "version",
    });
  }
  refuseRetired(version.line, "version");
  return { version: name, line: version.lineName };
}

function refuseRetired(line: { name: string; state: string }, parameter: string): void {
  if (line.state !== "retired") return;
  throw new DomainError("VersionNotAvailable", `Line ${line.name} is retired. Choose another one.`, { parameter });
}
