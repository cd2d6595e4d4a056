import type { TenantEvent } from "@pilothouse/contract";
import type { StatusTone } from "./status.tsx";

const tones: Record<string, StatusTone> = { True: "ok", False: "bad", Unknown: "unknown" };

/** An event in words. */
export interface DescribedEvent {
  /** Of what happened, without the kind of object. */
  what: string;
  /** Where a condition changed: what it is now. */
  tone: StatusTone | undefined;
  message: string | null;
}

/** Takes apart what an event says of a condition: `Ready is False: …`. */
export function describeEvent({ type, message }: Pick<TenantEvent, "type" | "message">): DescribedEvent {
  const [, condition = "", status = "", text = ""] =
    /^([A-Za-z]+) is (True|False|Unknown): ([\s\S]*)$/.exec(message ?? "") ?? [];
  if (type.endsWith(".condition") && condition !== "")
    return { what: `${condition} ${status}`, tone: tones[status], message: text };
  return { what: type.slice(type.indexOf(".") + 1).replaceAll("-", " "), tone: undefined, message };
}
