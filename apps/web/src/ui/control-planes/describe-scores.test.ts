import { expect, test } from "vitest";
import { describeScores } from "./describe-scores.ts";

test("parts of a score are said in words, what weighs most first; what is not known stands as it is", () => {
  const scores = { spreading: 7, freeCapacity: 80, zones: 0, region: 2_000, observed: 10_000, cost: 3 };
  expect(describeScores(scores)).toEqual([
    "answers",
    "the seed’s region",
    "80 % stay free",
    "2 of the tenant’s there",
    "cost 3",
  ]);
  expect(describeScores({ observed: 0, region: 0 })).toEqual(["not seen yet", "another region"]);
});
