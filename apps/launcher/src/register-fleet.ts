import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Client, operations, ProblemError } from "@pilothouse/contract";
import { z } from "zod";
import type { Ground } from "./fleet.ts";
import { readJson, writeJson } from "./places.ts";

/** What an istiod cluster of the local fleet takes: its node is this machine, shared with everything else. */
const capacity = { slots: 40, cpuMilli: 4_000, memoryMib: 8_192 };

const registeredSchema = z.record(z.string(), z.string());

/** Answers false where what was to be made is there already. */
async function makeOnce(call: Promise<unknown>): Promise<boolean> {
  try {
    await call;
    return true;
  } catch (error) {
    if (error instanceof ProblemError && error.code === "AlreadyExists") return false;
    throw error;
  }
}

/**
 * Makes a fleet known to the service, as an operator would: regions, seeds, lines, versions and istiod clusters. What is known already stays; an
 * istiod cluster that was made anew since is told of with its new kubeconfig.
 * @param file where is kept what was told last
 */
export async function registerFleet(platform: Client, { status, parts }: Ground, file: string): Promise<void> {
  const { clusters } = status;
  for (const region of new Set(clusters.map((cluster) => cluster.region))) {
    await makeOnce(platform.call(operations.createRegion, { body: { name: region, displayName: region } }));
    const seed = { name: seedOf(region), region, provider: "local" };
    await makeOnce(platform.call(operations.createSeed, { body: seed }));
  }
  for (const { line, version: name, charts, image } of parts.istio) {
    await makeOnce(platform.call(operations.createVersionLine, { body: { name: line } }));
    const body = { name, line, charts, image: { ...image, pullPolicy: "Never" } } as const;
    await makeOnce(platform.call(operations.createVersion, { body }));
  }
  const told = (await readJson(file, registeredSchema)) ?? {};
  for (const { name, kind, region, line, edge, kubeconfig: path } of clusters) {
    if (kind !== "istiod" || line === undefined || edge === undefined) continue;
    const kubeconfig = await readFile(path, "utf8");
    const edgeAddresses = [edge.address];
    const hash = createHash("sha256")
      .update(JSON.stringify([kubeconfig, edgeAddresses]))
      .digest("hex");
    const body = { name, region, line, edgeAddresses, capacity, kubeconfig };
    const isNew = await makeOnce(platform.call(operations.createIstiodCluster, { body }));
    if (!isNew && told[name] !== hash) {
      const change = { params: { istiodCluster: name }, body: { edgeAddresses, kubeconfig }, ifMatch: "*" };
      await platform.call(operations.changeIstiodCluster, change);
    }
    told[name] = hash;
    await writeJson(file, told);
  }
}

/** Every region of a fleet has one seed. */
export const seedOf = (region: string): string => `seed-${region}`;
