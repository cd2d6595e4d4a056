"use client";
import { useState } from "react";

/** Whether something is so, or has been since the component is there: what has come once is not hidden again while something more is read. */
export function useOnce(isSo: boolean): boolean {
  const [was, setWas] = useState(isSo);
  if (isSo && !was) setWas(true);
  return isSo || was;
}
