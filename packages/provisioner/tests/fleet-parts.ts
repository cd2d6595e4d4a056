import { execFile } from "node:child_process";
import { resolve } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import type { IstioVersion } from "../src/types.ts";

const root = resolve(import.meta.dirname, "../../..");

const answer = z.object({
  paths: z.object({ helm: z.string() }),
  istio: z
    .array(
      z.object({
        line: z.string(),
        version: z.string(),
        charts: z.object({ base: z.string(), istiod: z.string() }),
        image: z.object({ hub: z.string(), tag: z.string() }),
      }),
    )
    .min(2),
});

/** The real Helm and the real charts of every line the fleet has, got by the fleet's own command. */
export async function readFleetParts(): Promise<{ helm: string; versions: IstioVersion[] }> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["packages/fleet/src/cli.ts", "parts", "--json"],
    // The parts may have to be built first; the suite's own limit is shorter when they are there.
    { cwd: root, maxBuffer: 1024 * 1024, timeout: 9 * 60_000 },
  );
  const { paths, istio } = answer.parse(JSON.parse(stdout));
  return {
    helm: paths.helm,
    versions: istio.map(({ image, ...rest }) => ({
      ...rest,
      image: { ...image, pullPolicy: "IfNotPresent" as const },
    })),
  };
}
