"use client";
import { useRef } from "react";

/** Handlers of a dialog that is opened by something else than a trigger of its own. */
interface FocusReturn {
  onOpenAutoFocus: () => void;
  onCloseAutoFocus: (event: Event) => void;
}

/** Gives the focus back to what had it when a dialog was opened, or to the content where that is gone. */
export function useFocusReturn(): FocusReturn {
  const opener = useRef<Element | null>(null);
  return {
    onOpenAutoFocus: () => {
      opener.current = document.activeElement;
    },
    onCloseAutoFocus: (event) => {
      event.preventDefault();
      const { current } = opener;
      const isThere = current instanceof HTMLElement && current.isConnected && current !== document.body;
      (isThere ? current : document.getElementById("content"))?.focus({ preventScroll: true });
    },
  };
}
