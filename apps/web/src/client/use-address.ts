"use client";
import { usePathname, useSearchParams } from "next/navigation";
import { useCallback } from "react";

/** One parameter of the address, which a page can be linked to and come back to with. Empty is absent. */
export function useAddressParameter(name: string): [string, (value: string) => void] {
  const parameters = useSearchParams();
  const pathname = usePathname();
  const set = useCallback(
    (value: string) => {
      const next = new URLSearchParams(globalThis.location.search);
      if (value === "") next.delete(name);
      else next.set(name, value);
      const text = next.toString();
      // Without a journey to the server: only what is shown of the same data changes.
      globalThis.history.replaceState(null, "", text === "" ? pathname : `${pathname}?${text}`);
    },
    [name, pathname],
  );
  return [parameters.get(name) ?? "", set];
}
