import { expect, test } from "vitest";
import { chooseVersion, parseMadison } from "./apt.ts";

test("madison's table becomes versions by package, without sources and repetitions", () => {
  const served = parseMadison(
    [
      "containerd | 1.6.20~ds1-1+deb12u3 | http://mirror.test/debian bookworm/main amd64 Packages",
      "containerd | 1.6.20~ds1-1+deb12u2 | http://mirror.test/debian-security bookworm-security/main amd64 Packages",
      "      runc | 1.1.5+ds1-1+deb12u1 | http://mirror.test/debian bookworm/main amd64 Packages",
      "      runc | 1.1.5+ds1-1+deb12u1 | http://mirror.test/debian-security bookworm-security/main amd64 Packages",
      "      runc | 1.1.5+ds1-1+deb12u1 | http://mirror.test/debian bookworm/main Sources",
      "",
    ].join("\n"),
  );
  expect([...served]).toEqual([
    ["containerd", ["1.6.20~ds1-1+deb12u3", "1.6.20~ds1-1+deb12u2"]],
    ["runc", ["1.1.5+ds1-1+deb12u1"]],
  ]);
});

test.each([
  ["the wished version", "1.6.20~ds1-1+deb12u2", ["1.6.20~ds1-1+deb12u3", "1.6.20~ds1-1+deb12u2"], 1],
  ["else the best of the same upstream version", "1.6.20~ds1-1", ["1.7.0-1", "1.6.20~ds1-1+deb12u3"], 1],
  ["with or without an epoch", "1:1.4.7-1+b2", ["1:1.4.7-1+b4"], 0],
  ["a rebuild as well", "1.1.1+ds1-3+b5", ["1.1.1+ds1-3+b7"], 0],
  ["never another upstream version", "1.6.20~ds1-1", ["1.6.21~ds1-1", "1.7.0-1"], -1],
  ["nor one whose upstream version only begins alike", "1.6.2-1", ["1.6.20-1"], -1],
])("%s is chosen", (_, wished, served, index) => {
  expect(chooseVersion(wished, served)).toBe(served[index]);
});
