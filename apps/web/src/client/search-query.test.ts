import { expect, test } from "vitest";
import { matchesSearch, parseSearch } from "./search-query.ts";

const fields = ["name", "line", "phase"];
const row = { name: "payments-eu", line: "1.32", phase: "Ready" };
const matches = (text: string): boolean => matchesSearch(parseSearch(text, fields), row);

test("words are found anywhere, fields by how their value begins", () => {
  expect(["", "pay", "EU ready", "line:1.3", "phase:ready pay"].map(matches)).toEqual([true, true, true, true, true]);
  expect(["shop", "line:1.22", "phase:eady", "pay line:1.22"].map(matches)).toEqual([false, false, false, false]);
});

test("of several values of a field any may be meant", () => {
  const query = parseSearch("istiod:eu-1-b", ["istiod"]);
  expect(matchesSearch(query, { istiod: "eu-1-a eu-1-b" })).toBe(true);
  expect(matchesSearch(query, { istiod: "x-eu-1-b" })).toBe(false);
});

test("what looks like a field and is none is a word, and is named", () => {
  expect(parseSearch("zone:a  Pay", fields)).toEqual({
    words: ["zone:a", "pay"],
    fields: [],
    unknown: ["zone"],
  });
  expect(parseSearch("line:", fields)).toEqual({ words: ["line:"], fields: [], unknown: [] });
});
