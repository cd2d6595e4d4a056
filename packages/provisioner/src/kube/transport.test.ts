import { expect, test } from "vitest";
import { createDeadline } from "../deadline.ts";
import { createTestAuthority } from "../kubeconfig/test-certificates.ts";
import { respond, startTestServer } from "./test-server.ts";
import { createTransport } from "./transport.ts";

const named = { verb: "get", subject: "Namespace a" };

test("a closed transport sends nothing more and says so, and a call under way ends", async () => {
  const authority = await createTestAuthority("test");
  const certificate = await authority.issue({ commonName: "server", ipAddresses: ["127.0.0.1"] });
  const { url, seen } = await startTestServer(certificate, (entry, response) => {
    if (entry.url !== "/silent") respond(response, 200, {});
  });
  const transport = createTransport(
    { server: url, certificateAuthority: authority.certificate, credential: { token: "t" } },
    { deadline: createDeadline(5_000) },
  );
  expect(await transport.send({ method: "GET", path: "/before" }, named)).toEqual({});
  const failure = transport.send({ method: "GET", path: "/silent" }, named).then(
    () => undefined,
    (error: unknown) => error,
  );
  await expect.poll(() => seen.length).toBe(2);

  await transport.close();
  expect(await failure).toMatchObject({ kind: "transient" });
  const later = transport.send({ method: "GET", path: "/after" }, named);
  await expect(later).rejects.toMatchObject({ kind: "unknown", code: "ClientClosed" });
  await expect(later).rejects.toThrow(`get Namespace a at ${url}`);
  await transport.close();
  expect(seen.map((entry) => entry.url)).toEqual(["/before", "/silent"]);
});
