import type { ReactNode } from "react";

/** A ship's wheel. */
export function Logo(): ReactNode {
  const spokes = [0, 45, 90, 135];
  return (
    <svg
      viewBox="0 0 24 24"
      width="24"
      height="24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.8"
      aria-hidden="true"
    >
      <circle cx="12" cy="12" r="6.5" />
      <circle cx="12" cy="12" r="2" />
      {spokes.map((angle) => (
        <path key={angle} d="M12 1.5V10M12 14v8.5" strokeLinecap="round" transform={`rotate(${angle} 12 12)`} />
      ))}
    </svg>
  );
}
