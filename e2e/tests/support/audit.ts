import { readFile } from "node:fs/promises";
import { z } from "zod";
import { readTestGround } from "./test-fleet.ts";

const EventSchema = z.object({
  verb: z.string(),
  requestURI: z.string(),
  requestReceivedTimestamp: z.string(),
  user: z.object({ username: z.string().optional() }),
  responseStatus: z.object({ code: z.int() }).optional(),
});

/** One request that an API server answered. */
export interface AuditEvent {
  user: string;
  verb: string;
  uri: string;
  status: number;
  atMs: number;
}

/** The requests of Istio's and Pilothouse's identities that a cluster's API server has written down. */
export async function readAuditLog(cluster: string, wanted: (event: AuditEvent) => boolean): Promise<AuditEvent[]> {
  const { status } = await readTestGround();
  const file = status.clusters.find((candidate) => candidate.name === cluster)?.auditLog;
  if (file === undefined) throw new Error(`the fleet has no cluster ${cluster}`);
  const events = (await readFile(file, "utf8"))
    .split("\n")
    .filter((line) => line.endsWith("}"))
    .map((line) => EventSchema.parse(JSON.parse(line)))
    .map((event) => ({
      user: event.user.username ?? "",
      verb: event.verb,
      uri: event.requestURI,
      status: event.responseStatus?.code ?? 0,
      atMs: Date.parse(event.requestReceivedTimestamp),
    }));
  return events.filter(wanted);
}
