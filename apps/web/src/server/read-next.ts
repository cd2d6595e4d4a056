/** Stands for the portal where its own address does not matter. */
const here = "http://portal.invalid";

/**
 * Where to go after signing in, as the page's address asks for it: a way within the portal, or to the start. It is read as browsers read it, who pass
 * over tabs and line ends, and take a backslash for a slash.
 */
export function readNext(next: string | string[] | undefined): string {
  if (typeof next !== "string" || !next.startsWith("/") || !URL.canParse(next, here)) return "/";
  const { origin, pathname, search, hash } = new URL(next, here);
  // Dots may leave a path that begins like an address of another host.
  return origin !== here || pathname.startsWith("//") ? "/" : `${pathname}${search}${hash}`;
}
