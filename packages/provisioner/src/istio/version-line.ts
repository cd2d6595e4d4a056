import { ProvisionerError } from "../errors.ts";

/** The oldest line that istiod's behaviour was read in, and seen in real clusters. The newest is 1.32. */
const oldestMinor = 22;

/**
 * Whether a line comes after the oldest one known here. The source of 1.22 and of 1.32 was read; a line between them is taken for
 * the newer kind, which has more rights and more objects to look for, so that nothing is missed.
 *
 * @throws ProvisionerError `InvalidLine` when the text is not an Istio minor such as `1.32`.
 */
export function isNewerThanOldest(line: string): boolean {
  const match = /^1\.(\d{1,3})$/.exec(line);
  if (match === null) {
    throw new ProvisionerError(
      "user",
      "InvalidLine",
      `"${line}" is no version line: give Istio's major and minor, such as "1.32".`,
      {
        parameter: "version.line",
      },
    );
  }
  return Number(match[1]) > oldestMinor;
}
