import { subscribe } from "node:diagnostics_channel";
import { IncomingMessage } from "node:http";
import { clientHeader, findClient } from "./find-client.ts";

/** Methods that reach route files. */
const routedMethods = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/** A path that no operation has. */
const nowhere = "/api/nowhere";

/**
 * Sees to it that every request below `/api` reaches a route file, which answers it in the API's own words. By itself Next answers
 * a method that it does not know with an empty 400 or with 500, a path that can't be decoded with 500, what it does not find of its own with
 * HTML, and redirects double slashes and requests that look like those of its own pages. Writes down where the request comes from, too.
 * @param proxies how many are in front of the service
 */
export function guardRequests(proxies: number): void {
  subscribe("http.server.request.start", (message) => {
    const request =
      typeof message === "object" && message !== null && "request" in message ? message.request : undefined;
    if (!(request instanceof IncomingMessage)) return;
    request.headers[clientHeader] = findClient(request, proxies);
    guardRequest(request);
  });
}

/** Changes a request before anybody looks at it. */
function guardRequest(request: Pick<IncomingMessage, "method" | "url" | "headers">): void {
  const [path = ""] = (request.url ?? "").split("?");
  if (!isRoutable(path)) request.url = nowhere;
  else if (!/^\/(api(\/|$)|healthz$|readyz$)/.test(path)) return;
  // No operation has PUT, so this is answered with the methods that there are.
  if (!routedMethods.has(request.method ?? "")) request.method = "PUT";
  for (const name of Object.keys(request.headers)) {
    if (/^(rsc$|next-|x-nextjs-)/.test(name)) delete request.headers[name];
  }
}

function isRoutable(path: string): boolean {
  if (!path.startsWith("/") || /[/\\]{2}|\\/.test(path)) return false;
  try {
    decodeURIComponent(path);
    return true;
  } catch {
    return false;
  }
}
