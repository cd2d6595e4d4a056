import type { EventStream } from "./event-stream.ts";

/** The event streams that are open in this process. */
export interface StreamRegistry {
  /** Takes a place for one more stream of a key or session; says why when there is none. */
  reserve: (credentialId: string) => StreamPlace | "closing" | "too many";
  /** Ends all streams, and lets no new ones in. */
  close: () => void;
  isClosing: () => boolean;
}

export interface StreamPlace {
  occupy: (stream: EventStream) => void;
  /** Called once, whatever became of it. */
  release: () => void;
}

/** @param limit streams that one key or session may have open */
export function createStreamRegistry(limit: number): StreamRegistry {
  const counts = new Map<string, number>();
  const open = new Set<EventStream>();
  let closing = false;
  return {
    reserve: (credentialId) => {
      if (closing) return "closing";
      const count = counts.get(credentialId) ?? 0;
      if (count >= limit) return "too many";
      counts.set(credentialId, count + 1);
      let filled: EventStream | undefined;
      return {
        occupy: (stream) => {
          filled = stream;
          open.add(stream);
          if (closing) stream.end("ShuttingDown");
        },
        release: () => {
          if (filled !== undefined) open.delete(filled);
          const left = (counts.get(credentialId) ?? 1) - 1;
          if (left === 0) counts.delete(credentialId);
          else counts.set(credentialId, left);
        },
      };
    },
    close: () => {
      closing = true;
      for (const stream of open) stream.end("ShuttingDown");
    },
    isClosing: () => closing,
  };
}
