import { connect, createServer } from "node:net";
import { beforeAll, expect, onTestFinished, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { createKubeClient } from "../kube/client.ts";
import { listenForTest, respond, startTestServer } from "../kube/test-server.ts";
import { createTestAuthority } from "../kubeconfig/test-certificates.ts";
import type { IssuedCertificate, TestAuthority } from "../kubeconfig/test-certificates.ts";
import { reachServer } from "./reach-server.ts";

const parameters = { server: "the server", certificateAuthority: "the authority", credential: "the credential" };

let authority: TestAuthority;
let certificate: IssuedCertificate;

beforeAll(async () => {
  authority = await createTestAuthority("test");
  certificate = await authority.issue({ commonName: "server", ipAddresses: ["127.0.0.1"] });
});

async function reach(status: number, body: unknown, certificateAuthority = authority.certificate): Promise<string> {
  const { url } = await startTestServer(certificate, (_seen, response) => respond(response, status, body));
  const access = { server: url, certificateAuthority, credential: { token: "t" } };
  const client = createKubeClient(access, { deadline: createDeadline(5_000) });
  onTestFinished(() => client.close());
  return reachServer(client, parameters, { oldest: "1.28", newest: "1.36" });
}

test.for(["v1.28.0", "v1.34.4", "v1.36.1-gke.100", "v1.30.2+k3s1"])(
  "Kubernetes %s is supported",
  async (gitVersion) => {
    expect(await reach(200, { gitVersion })).toBe(gitVersion);
  },
);

test.for(["v1.27.9", "v1.37.0"])("Kubernetes %s is not", async (gitVersion) => {
  await expect(reach(200, { gitVersion })).rejects.toMatchObject({
    kind: "user",
    code: "KubernetesNotSupported",
    parameter: "the server",
  });
});

test.for([{}, { gitVersion: "v2.1" }, { gitVersion: "latest" }, []])(
  "an answer of %j is no API server's",
  async (body) => {
    await expect(reach(200, body)).rejects.toMatchObject({
      kind: "user",
      code: "NotKubernetes",
      parameter: "the server",
    });
  },
);

const reachAddress = (server: string): Promise<string> => {
  const access = { server, certificateAuthority: authority.certificate, credential: { token: "t" } };
  const client = createKubeClient(access, { deadline: createDeadline(8_000) });
  onTestFinished(() => client.close());
  return reachServer(client, parameters);
};

/** Ends the first `cuts` connections as soon as the client has spoken, and hands the others on. */
function startCuttingServer(cuts: number, to: string): Promise<string> {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    connections += 1;
    if (connections <= cuts) return void socket.once("data", () => socket.destroy());
    const onward = connect(Number(new URL(to).port), "127.0.0.1");
    onward.on("error", () => socket.destroy());
    return void socket.pipe(onward).pipe(socket);
  });
  return listenForTest(server);
}

test("who takes connections and ends them all without TLS is no API server; one that recovers may be", async () => {
  const { url } = await startTestServer(certificate, (_seen, response) =>
    respond(response, 200, { gitVersion: "v1.34.4" }),
  );
  const [never, later] = await Promise.all([startCuttingServer(99, url), startCuttingServer(1, url)]);
  const [refused, version] = await Promise.all([
    reachAddress(never).catch((error: unknown) => error),
    reachAddress(later),
  ]);
  expect(refused).toMatchObject({ kind: "user", code: "NotKubernetes", parameter: "the server" });
  expect(String(refused)).toContain("Check host and port.");
  expect(version).toBe("v1.34.4");
});

test("a server that is away, or breaks off after TLS, is tried again later", async () => {
  const { url } = await startTestServer(certificate, (_seen, response) => response.destroy());
  await expect(reachAddress(url)).rejects.toMatchObject({ kind: "transient", code: "ConnectionLost" });
  // The port of a server that was closed: nobody listens.
  const closing = createServer();
  const closed = await listenForTest(closing);
  closing.close();
  await expect(reachAddress(closed)).rejects.toMatchObject({
    kind: "transient",
    code: "ServerUnreachable",
  });
});

test("a redirect is no API server's answer", async () => {
  await expect(reach(302, "")).rejects.toMatchObject({ kind: "user", code: "NotKubernetes", parameter: "the server" });
});

test("a refused login names the credential, a foreign authority names the authority", async () => {
  await expect(reach(401, {})).rejects.toMatchObject({
    kind: "user",
    code: "Unauthorized",
    parameter: "the credential",
  });
  const { certificate: other } = await createTestAuthority("other");
  const untrusted = { kind: "user", code: "UntrustedCertificate", parameter: "the authority" };
  await expect(reach(200, {}, other)).rejects.toMatchObject(untrusted);
});

test("a busy server is tried again, and is nobody's fault", async () => {
  const busy = { kind: "transient", code: "TooManyRequests", parameter: undefined };
  await expect(reach(429, {})).rejects.toMatchObject(busy);
});
