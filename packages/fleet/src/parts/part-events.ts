/** What happens while parts are got, for a display. Every started part is finished or failed. */
export type PartEvent =
  | { type: "planned"; parts: readonly { name: string; version: string; isReady: boolean }[] }
  | { type: "started"; part: string; version: string }
  /** `done` of `total` counts packages to compile; both are absent where nothing is countable. */
  | { type: "advanced"; part: string; step: string; done?: number; total?: number }
  | { type: "finished"; part: string; version: string; elapsedMs: number; notes: readonly string[] }
  | { type: "failed"; part: string; message: string };

export type PartListener = (event: PartEvent) => void;
