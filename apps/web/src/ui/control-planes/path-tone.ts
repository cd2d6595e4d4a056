import type { StatusTone } from "../status.tsx";

/** How a part of the path is: `busy` has not been tried yet. */
export type PathTone = Extract<StatusTone, "ok" | "bad" | "unknown" | "busy">;

const order = ["bad", "unknown", "busy", "ok"] as const;

/** Of several states the one that matters most. */
export const worstOf = (tones: readonly PathTone[]): PathTone => order.find((tone) => tones.includes(tone)) ?? "busy";

/** Of several states the best: something came through. */
export const bestOf = (tones: readonly PathTone[]): PathTone =>
  order.toReversed().find((tone) => tones.includes(tone)) ?? "busy";
