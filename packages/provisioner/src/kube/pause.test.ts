import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createServer as createTlsServer } from "node:https";
import { connect as connectTcp, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { createTestAuthority } from "../kubeconfig/test-certificates.ts";
import { createKubeClient } from "./client.ts";

const token = "token";

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return address.port;
}

/** An API server that counts what reaches it, behind a gate that can hold back what is sent to it. */
async function startGatedServer() {
  const authority = await createTestAuthority("test");
  const issued = await authority.issue({ commonName: "server", ipAddresses: ["127.0.0.1"] });
  let requests = 0;
  const server = createTlsServer({ cert: issued.certificate, key: issued.key }, (_request, response) => {
    requests += 1;
    response.end("{}");
  });
  const serverPort = await listen(server);
  onTestFinished(() => server.closeAllConnections());

  const held = new Set<() => void>();
  const sockets = new Set<Socket>();
  let open = true;
  let connections = 0;
  const gate = createServer((socket) => {
    connections += 1;
    const upstream = connectTcp(serverPort, "127.0.0.1");
    for (const end of [socket, upstream]) {
      sockets.add(end);
      end.on("error", () => undefined);
    }
    const pass = () => void socket.pipe(upstream).pipe(socket);
    if (open) pass();
    else held.add(pass);
  });
  const port = await listen(gate);
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return {
    url: `https://127.0.0.1:${port}`,
    certificateAuthority: authority.certificate,
    countRequests: () => requests,
    countConnections: () => connections,
    hold: () => void (open = false),
    release() {
      open = true;
      for (const pass of held) pass();
      held.clear();
    },
  };
}

type GatedServer = Awaited<ReturnType<typeof startGatedServer>>;

/** A process of its own that writes again and again until its deadline has passed, and then prints the last error's code. */
async function startWriter(
  server: GatedServer,
  deadlineMs: number,
): Promise<{ child: ChildProcess; finished: Promise<string> }> {
  const script = `
    import { createDeadline } from ${JSON.stringify(import.meta.resolve("../deadline.ts"))};
    import { createKubeClient } from ${JSON.stringify(import.meta.resolve("./client.ts"))};
    const access = ${JSON.stringify({ server: server.url, certificateAuthority: server.certificateAuthority, credential: { token } })};
    process.stdout.write("ready ");
    const client = createKubeClient(access, { deadline: createDeadline(${deadlineMs}), callTimeoutMs: 60_000 });
    try {
      for (;;) await client.request("POST", "/write", {});
    } catch (error) {
      process.stdout.write(error.code);
    }
    await client.close();
  `;
  const child = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const finished = once(child, "exit").then(() => output);
  await once(child.stdout, "data");
  return { child, finished };
}

async function waitUntil(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 400 && !isTrue(); tries += 1) await sleep(10);
  expect(isTrue()).toBe(true);
}

test("a process paused between writes until its deadline has passed sends none when it goes on", async () => {
  const server = await startGatedServer();
  const { child, finished } = await startWriter(server, 800);
  await waitUntil(() => server.countRequests() > 3);
  child.kill("SIGSTOP");
  await sleep(100);
  const before = server.countRequests();
  await sleep(1_000);
  child.kill("SIGCONT");
  expect(await finished).toMatch(/^ready (DeadlinePassed|CallTimeout)$/);
  expect(server.countRequests()).toBe(before);
});

test("a process paused while its connection is opened sends nothing when it goes on", async () => {
  const server = await startGatedServer();
  server.hold();
  const { child, finished } = await startWriter(server, 800);
  await waitUntil(() => server.countConnections() > 0);
  child.kill("SIGSTOP");
  await sleep(1_000);
  server.release();
  await sleep(100);
  child.kill("SIGCONT");
  expect(await finished).toMatch(/^ready (DeadlinePassed|CallTimeout)$/);
  await sleep(100);
  expect(server.countRequests()).toBe(0);
});

test("the deadline is checked when a waiting request is written, not only when it is begun", async () => {
  const server = await startGatedServer();
  server.hold();
  let shiftMs = 0;
  const deadline = createDeadline(60_000, { monotonicMs: () => performance.now() + shiftMs, wallMs: () => Date.now() });
  const access = { server: server.url, certificateAuthority: server.certificateAuthority, credential: { token } };
  const client = createKubeClient(access, { deadline });
  onTestFinished(() => client.close());
  const write = client.request("POST", "/write", {});
  await waitUntil(() => server.countConnections() > 0);
  // No timer fires by this: only the check at the moment of writing can see it.
  shiftMs = 61_000;
  server.release();
  await expect(write).rejects.toMatchObject({ code: "DeadlinePassed" });
  expect(server.countRequests()).toBe(0);
});
