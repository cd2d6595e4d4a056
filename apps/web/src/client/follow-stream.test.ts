import { once } from "node:events";
import { createServer, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createClient, problemMediaType } from "@pilothouse/contract";
import { afterEach, beforeEach, expect, test } from "vitest";
import { followStream, type LiveStatus } from "./follow-stream.ts";

/** How often a test looks, in milliseconds. */
const quickly = { interval: 5 };
const timing = { pollMs: 200, hiddenMs: 60 };

/** A service of one tenant's events, on a port that it keeps when it is killed. */
async function createService() {
  const streams = new Set<ServerResponse>();
  const asked: string[] = [];
  let refusal: number | undefined;
  let server: Server;
  let port = 0;
  const answer: RequestListener = (request, response) => {
    const isStream = request.url?.endsWith("/events") === true;
    asked.push(isStream ? `stream ${String(request.headers["last-event-id"] ?? "now")}` : "me");
    if (refusal !== undefined) {
      response.writeHead(refusal, { "content-type": problemMediaType });
      const problem = { type: "urn:x", title: "No", status: refusal, code: "No", detail: "No.", requestId: "r" };
      return void response.end(JSON.stringify(problem));
    }
    if (!isStream) return void response.writeHead(200, { "content-type": "application/json" }).end("{}");
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("retry: 20\nid: 1-0\n\n");
    streams.add(response);
    response.once("close", () => streams.delete(response));
  };
  const start = async (): Promise<void> => {
    server = createServer(answer).listen(port, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    if (address !== null && typeof address !== "string") port = address.port;
  };
  await start();
  return {
    asked,
    start,
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get open() {
      return streams.size;
    },
    refuse: (status: number | undefined) => (refusal = status),
    tell: (name: string) => {
      const data = JSON.stringify({ object: { kind: "control-plane", id: "x", name } });
      for (const stream of streams) stream.write(`id: 2-1\nevent: control-plane.condition\ndata: ${data}\n\n`);
    },
    dropStreams: () => streams.forEach((stream) => stream.destroy()),
    async kill() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

/** A browser whose page the test hides, and whose network it takes away. */
function createSigns() {
  const callbacks = new Set<(hasSlept: boolean) => void>();
  const now = { hidden: false, offline: false };
  return {
    callbacks,
    set(changes: Partial<typeof now>, hasSlept = false) {
      Object.assign(now, changes);
      for (const callback of callbacks) callback(hasSlept);
    },
    signs: {
      isHidden: () => now.hidden,
      isOffline: () => now.offline,
      onChange: (callback: (hasSlept: boolean) => void) => {
        callbacks.add(callback);
        return () => callbacks.delete(callback);
      },
    },
  };
}

let service: Awaited<ReturnType<typeof createService>>;
let page: ReturnType<typeof createSigns>;
let said: LiveStatus[];
let heard: string[];
let reads: number;
let stop: () => void;

const follow = (): void => {
  stop = followStream({
    client: createClient({ baseUrl: service.url }),
    tenant: "acme",
    after: "0-7",
    signs: page.signs,
    timing,
    follow: async ({ object }) => void heard.push(object.name),
    readAll: async () => void (reads += 1),
    onStatus: (status) => said.push(status),
  });
};
const status = (): LiveStatus | undefined => said.at(-1);

beforeEach(async () => {
  service = await createService();
  page = createSigns();
  [said, heard, reads] = [[], [], 0];
});

afterEach(async () => {
  stop();
  await service.kill();
});

test("it begins where the page was made, so nothing has to be read twice", async () => {
  follow();
  await expect.poll(status, quickly).toBe("live");
  service.tell("shop");
  await expect.poll(() => heard).toEqual(["shop"]);
  expect({ asked: service.asked, reads }).toEqual({ asked: ["stream 0-7"], reads: 0 });
});

test("a stream that is lost is said, everything is read meanwhile, and once more when one stands again", async () => {
  follow();
  await expect.poll(status, quickly).toBe("live");
  service.dropStreams();
  await expect.poll(() => said).toEqual(["live", "polling", "live"]);
  expect(reads).toBeGreaterThan(0);
});

test("a service that is gone is said, is not asked for everything, and is found again by itself", async () => {
  follow();
  await expect.poll(status, quickly).toBe("live");
  await service.kill();
  await expect.poll(status, quickly).toBe("unreachable");
  const before = reads;
  await new Promise((settle) => setTimeout(settle, 4 * timing.pollMs));
  expect({ reads, status: said.at(-1) }).toEqual({ reads: before, status: "unreachable" });
  await service.start();
  await expect.poll(status, quickly).toBe("live");
  expect(reads).toBeGreaterThan(before);
});

test.for([
  [401, "signedOut"],
  [403, "shutOut"],
  [404, "shutOut"],
] as const)("%i is an end, of which nothing is asked until somebody comes back: %s", async ([refusal, ending]) => {
  service.refuse(refusal);
  follow();
  await expect.poll(status, quickly).toBe(ending);
  const asked = service.asked.length;
  await new Promise((settle) => setTimeout(settle, 3 * timing.pollMs));
  expect(service.asked.length).toBe(asked);
  service.refuse(undefined);
  page.set({});
  await expect.poll(status, quickly).toBe("live");
  expect(reads).toBe(1);
});

test("a page that nobody sees gives its stream back, and reads everything when it is seen", async () => {
  follow();
  await expect.poll(status, quickly).toBe("live");
  page.set({ hidden: true });
  page.set({ hidden: false });
  await new Promise((settle) => setTimeout(settle, 2 * timing.hiddenMs));
  expect(said).toEqual(["live"]);
  page.set({ hidden: true });
  await expect.poll(status, quickly).toBe("paused");
  await expect.poll(() => service.open).toBe(0);
  page.set({ hidden: false });
  await expect.poll(status, quickly).toBe("live");
  expect(reads).toBe(1);
});

test("a page that is opened unseen takes no stream before it is seen", async () => {
  page.set({ hidden: true });
  follow();
  await expect.poll(status, quickly).toBe("paused");
  expect(service.asked).toEqual([]);
  page.set({ hidden: false });
  await expect.poll(status, quickly).toBe("live");
  expect(service.asked).toEqual(["stream 0-7"]);
});

test("a network that is gone is said at once; when it is back, or the machine has slept, the stream is opened anew", async () => {
  follow();
  await expect.poll(status, quickly).toBe("live");
  page.set({ offline: true });
  expect(said.at(-1)).toBe("unreachable");
  page.set({ offline: false });
  await expect.poll(status, quickly).toBe("live");
  expect(reads).toBe(1);
  page.set({}, true);
  await expect.poll(() => reads).toBe(2);
  await expect.poll(() => service.open).toBe(1);
});

test("whoever leaves the page takes everything along", async () => {
  follow();
  await expect.poll(status, quickly).toBe("live");
  stop();
  await expect.poll(() => service.open).toBe(0);
  expect(page.callbacks.size).toBe(0);
});
