/** Remembers a theme that somebody has chosen; without it the browser's own wish holds. */
export const themeCookie = "pilothouse-theme";

export type Theme = "system" | "light" | "dark";

const yearSeconds = 31_536_000;

/** Shows a theme from now on, on this page at once. */
export function chooseTheme(theme: Theme): void {
  const root = document.documentElement;
  if (theme === "system") delete root.dataset["theme"];
  else root.dataset["theme"] = theme;
  const life = theme === "system" ? 0 : yearSeconds;
  document.cookie = `${themeCookie}=${theme}; path=/; max-age=${life}; samesite=lax`;
}

/** The theme that is chosen on this page. */
export function readTheme(): Theme {
  const theme = document.documentElement.dataset["theme"];
  return theme === "light" || theme === "dark" ? theme : "system";
}
