import { expect, test } from "vitest";
import { checkIfMatch, requireIfMatch } from "./check-if-match.ts";

test.each(["*", '"3"', '"1", "3"', ' "3" '])("%s matches generation 3", (ifMatch) => {
  expect(() => requireIfMatch(ifMatch, 3)).not.toThrow();
});

test.each(['"4"', 'W/"3"', "3", '"33"', ""])("%s does not match generation 3", (ifMatch) => {
  expect(() => checkIfMatch(ifMatch, 3)).toThrow('its ETag is "3" now');
});

test("only changes that must say what they were based on need the header", () => {
  expect(() => checkIfMatch(undefined, 3)).not.toThrow();
  expect(() => requireIfMatch(undefined, 3)).toThrow("Send If-Match");
});
