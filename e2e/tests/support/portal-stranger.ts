import { allOperations, apiPrefix, createClient, fillPath, type WatchedEvent, watchEvents } from "@pilothouse/contract";
import type { BrowserContext } from "@playwright/test";

/** What somebody's stream of events carries. */
export interface StrangersWatch {
  seen: WatchedEvent[];
  stop: () => Promise<void>;
}

/** Watches the events of a tenant with the session of somebody who is signed in, from now on. */
export async function watchAs(context: BrowserContext, baseUrl: string, tenant: string): Promise<StrangersWatch> {
  const cookies = await context.cookies(baseUrl);
  const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join("; ");
  const client = createClient({
    baseUrl,
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("cookie", cookie);
      return fetch(input, { ...init, headers });
    },
  });
  const seen: WatchedEvent[] = [];
  const ending = new AbortController();
  const opened = Promise.withResolvers<undefined>();
  const watching = (async () => {
    const { signal } = ending;
    for await (const event of watchEvents(client, { tenant, signal, onOpen: () => opened.resolve(undefined) }))
      seen.push(event);
  })();
  await Promise.race([opened.promise, watching]);
  return {
    seen,
    async stop() {
      ending.abort();
      await watching;
    },
  };
}

interface AskedNames {
  cluster: string;
  controlPlane: string;
  operation: string;
}

/** No member and no key. */
const nobody = "00000000-0000-4000-8000-000000000000";

/**
 * Asks with a person's session for all that REST has of a tenant, by reading and by deleting, and for all that the provider's operators read.
 * @returns how each was answered, by method and path
 */
export async function askRest(
  context: BrowserContext,
  baseUrl: string,
  params: AskedNames & { tenant: string },
): Promise<Map<string, number>> {
  const named = { ...params, member: nobody, apiKey: nobody };
  const answers = new Map<string, number>();
  for (const { method, path, scope } of allOperations) {
    const isOfTenant = scope.kind === "tenant" && (method === "GET" || method === "DELETE");
    const isOfProvider = scope.kind === "platform" && method === "GET" && !path.includes("{");
    if (!isOfTenant && !isOfProvider) continue;
    const url = baseUrl + apiPrefix + fillPath(path, named);
    const response = await context.request.fetch(url, { method, headers: { origin: baseUrl } });
    answers.set(`${method} ${path}`, response.status());
  }
  return answers;
}

/** Opens addresses in a page of their own, as somebody who was given them. @returns the heading that each showed */
export async function openAddresses(
  context: BrowserContext,
  baseUrl: string,
  addresses: readonly string[],
): Promise<string[]> {
  const page = await context.newPage();
  const headings: string[] = [];
  for (const address of addresses) {
    await page.goto(baseUrl + address);
    const heading = page.getByRole("heading", { name: /^There is (no|nothing)/ });
    await heading.waitFor();
    headings.push((await heading.textContent()) ?? "");
  }
  await page.close();
  return headings;
}
