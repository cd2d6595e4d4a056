/** Points of each part of a score, as placement gives them; see place-revision.ts of the core. */
const points = { zoneTenth: 100, capacityTenth: 10, mostRevisions: 9 } as const;

const words: Record<string, (value: number) => string> = {
  observed: (value) => (value > 0 ? "answers" : "not seen yet"),
  region: (value) => (value > 0 ? "the seed’s region" : "another region"),
  zones: (value) => (value > 0 ? `${(value / points.zoneTenth) * 10} % of the seed’s zones` : ""),
  freeCapacity: (value) => `${(value / points.capacityTenth) * 10} % stay free`,
  spreading: (value) => {
    const others = points.mostRevisions - value;
    return others === 0 ? "none of the tenant’s there" : `${others} of the tenant’s there`;
  },
};

/** What a candidate's score is made of, in words, what weighs most first. */
export function describeScores(scores: Readonly<Record<string, number>>): string[] {
  const known = Object.keys(words).filter((name) => scores[name] !== undefined);
  const others = Object.keys(scores).filter((name) => words[name] === undefined);
  return [...known, ...others]
    .map((name) => words[name]?.(scores[name] ?? 0) ?? `${name} ${scores[name]}`)
    .filter(Boolean);
}
