import { expect, test } from "vitest";
import { makeScramVerifier } from "./scram-verifier.ts";

test("a verifier is that of RFC 7677's example, and never the same twice", () => {
  // Password, salt and server signature of RFC 7677, section 3; the keys follow from them.
  const salt = Buffer.from("W22ZaJ0SNY7soEsUEjb6gQ==", "base64");
  expect(makeScramVerifier("pencil", salt)).toBe(
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=",
  );
  expect(makeScramVerifier("pencil")).not.toBe(makeScramVerifier("pencil"));
});
