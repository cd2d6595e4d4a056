"use client";
import { usePathname, useSearchParams } from "next/navigation";
import { useCallback, useEffect, useRef, useState } from "react";

/** One parameter of the address, which a page can be linked to and come back to with. Empty is absent. */
export function useAddressParameter(name: string): [string, (value: string) => void] {
  const asked = useSearchParams().get(name) ?? "";
  const pathname = usePathname();
  // The address follows a little later: whoever types meanwhile must not lose a letter.
  const [value, setValue] = useState(asked);
  const written = useRef<string | undefined>(undefined);
  useEffect(() => {
    if (written.current === undefined) setValue(asked);
    else if (written.current === asked) written.current = undefined;
    // What is written and taken back at once may never be seen in `asked`.
  }, [asked, value]);
  const set = useCallback(
    (next: string) => {
      const parameters = new URLSearchParams(globalThis.location.search);
      if ((parameters.get(name) ?? "") !== next) written.current = next;
      setValue(next);
      if (next === "") parameters.delete(name);
      else parameters.set(name, next);
      const text = parameters.toString();
      // Without a journey to the server: only what is shown of the same data changes.
      globalThis.history.replaceState(null, "", text === "" ? pathname : `${pathname}?${text}`);
    },
    [name, pathname],
  );
  return [value, set];
}
