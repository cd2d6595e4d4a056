"use client";
import { useRef } from "react";

/** Sixteen random bytes as text. Browsers have `randomUUID` over https alone. */
const createKey = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

export interface IdempotencyKeys {
  /** The key of a wish: the same for each try of it, another one when something else is wished for. */
  of: (wish: unknown) => string;
  /** The wish has come true: the same once more is another one. */
  forget: () => void;
}

/** Idempotency-Keys of a form, so that a try whose answer was lost can be made again and is not done twice. */
export function useIdempotencyKeys(): IdempotencyKeys {
  const last = useRef<{ wish: string; key: string } | undefined>(undefined);
  return {
    of: (wish) => {
      const text = JSON.stringify(wish);
      if (last.current?.wish !== text) last.current = { wish: text, key: createKey() };
      return last.current.key;
    },
    forget: () => {
      last.current = undefined;
    },
  };
}
