"use client";
import type { PageSigns } from "./follow-stream.ts";

/** How often it is looked whether the clock has jumped, and a jump that no busy page explains, in milliseconds. */
const tickMs = 5_000;
const sleepMs = 30_000;

/** What this browser says of this page. */
export const browserSigns: PageSigns = {
  isHidden: () => document.visibilityState === "hidden",
  isOffline: () => !navigator.onLine,
  onChange(callback) {
    const ending = new AbortController();
    const { signal } = ending;
    const onSign = (): void => callback(false);
    document.addEventListener("visibilitychange", onSign, { signal });
    for (const sign of ["focus", "online", "offline"]) globalThis.addEventListener(sign, onSign, { signal });
    let beforeMs = Date.now();
    const ticking = setInterval(() => {
      const nowMs = Date.now();
      // Timers of hidden pages are late by themselves.
      if (nowMs - beforeMs > sleepMs && document.visibilityState === "visible") callback(true);
      beforeMs = nowMs;
    }, tickMs);
    return () => {
      ending.abort();
      clearInterval(ticking);
    };
  },
};
