import { expect, test } from "vitest";
import { describeEvent } from "./describe-event.ts";

test("what an event says of a condition becomes its state; others keep their words", () => {
  expect(describeEvent({ type: "revision.condition", message: "Ready is False: Nothing listens there." })).toEqual({
    what: "Ready False",
    tone: "bad",
    message: "Nothing listens there.",
  });
  expect(describeEvent({ type: "cluster.token-renewed", message: null })).toEqual({
    what: "token renewed",
    tone: undefined,
    message: null,
  });
});
