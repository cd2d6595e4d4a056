/**
 * Orders Istio versions by age, the older first: numbers as numbers, and a version with a suffix (`1.32.0-rc.1`, `1.32-dev`) before the same
 * without. To be used within one line.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA = "", ...suffixA] = a.split("-");
  const [coreB = "", ...suffixB] = b.split("-");
  return (
    compareParts(coreA.split("."), coreB.split(".")) ||
    Number(suffixA.length === 0) - Number(suffixB.length === 0) ||
    compareParts(suffixA.join(".").split("."), suffixB.join(".").split("."))
  );
}

function compareParts(a: readonly string[], b: readonly string[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const [left, right] = [a[index], b[index]];
    if (left === undefined || right === undefined) return left === undefined ? -1 : 1;
    const order = comparePart(left, right);
    if (order !== 0) return order;
  }
  return 0;
}

/** As semantic versioning has it: numbers before words. */
function comparePart(a: string, b: string): number {
  const numeric = [a, b].map((part) => /^[0-9]+$/.test(part));
  if (numeric[0] === true && numeric[1] === true) return Number(a) - Number(b);
  if (numeric[0] !== numeric[1]) return numeric[0] === true ? -1 : 1;
  return a < b ? -1 : Number(a > b);
}
