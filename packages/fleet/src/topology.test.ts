import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { FleetError } from "./errors.ts";
import { defaultTopologyFile, readTopology } from "./topology.ts";

async function writeTopology(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "fleet-topology-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "topology.yaml");
  await writeFile(file, text);
  return file;
}

const withLine = (line: string): string =>
  JSON.stringify({ regions: [{ name: "eu-1", zones: ["a"], istiodClusters: [{ name: "one", line }] }] });

test("the default topology, and any of known lines, is read", async () => {
  expect((await readTopology(defaultTopologyFile)).regions.map((region) => region.name)).toEqual(["eu-1", "us-1"]);
  expect((await readTopology(await writeTopology(withLine("1.22")))).regions).toHaveLength(1);
});

test("a file that is not there, or is a folder, is said in a sentence", async () => {
  const missing = readTopology("/nope/topology.yaml");
  await expect(missing).rejects.toThrow("The topology file /nope/topology.yaml is not there. Name another");
  await expect(missing).rejects.toBeInstanceOf(FleetError);
  await expect(readTopology(tmpdir())).rejects.toThrow("can't be read (EISDIR)");
});

test("a line without an istiod is refused as the file is read, with the lines there are", async () => {
  const unknown = readTopology(await writeTopology(withLine("1.5")));
  await expect(unknown).rejects.toThrow(
    /istiod cluster one: there is no istiod of line 1\.5\nThe lines are 1\.22 and 1\.32/,
  );
  await expect(unknown).rejects.toBeInstanceOf(FleetError);
});
