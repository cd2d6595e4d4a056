"use client";
import type { UseQueryResult } from "@tanstack/react-query";
import { useState } from "react";

/** Whether a read has come to something: an answer, a failure even if it is tried again, or that there is no network to ask. */
export const isTried = ({ data, failureReason, fetchStatus }: UseQueryResult): boolean =>
  data !== undefined || failureReason !== null || fetchStatus === "paused";

/** Whether all has been tried that a page shows at once. It stays so: what has come is not hidden again while something more is read. */
export function useSettled(isSettled: boolean): boolean {
  const [was, setWas] = useState(isSettled);
  if (isSettled && !was) setWas(true);
  return isSettled || was;
}
