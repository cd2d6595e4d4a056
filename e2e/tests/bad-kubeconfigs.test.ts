import { readFile } from "node:fs/promises";
import {
  connectCluster,
  createDeadline,
  disconnectCluster,
  type KubeClient,
  type ProvisionerError,
} from "@pilothouse/provisioner";
import { beforeAll, describe, expect, test } from "vitest";
import { parse, stringify } from "yaml";
import { adminClient, connectMesh, findKubeconfig, runCommands } from "./support/mesh.ts";
import { compareObjects, listAllObjects, noDifferences } from "./support/objects.ts";
import { readTestGround } from "./support/test-fleet.ts";

/** A kubeconfig in the form that the fleet writes; tests change one thing in it. */
interface Kubeconfig {
  clusters: { name: string; cluster: Record<string, unknown> }[];
  users: { name: string; user: Record<string, unknown> }[];
  contexts: { name: string; context: Record<string, unknown> }[];
  "current-context": string;
}

let good: string;
let otherAuthority: unknown;
let pay: KubeClient;
let before: string[];

beforeAll(async () => {
  good = await readFile(await findKubeconfig("pay"), "utf8");
  otherAuthority = read(await readFile(await findKubeconfig("shop"), "utf8")).clusters[0]?.cluster[
    "certificate-authority-data"
  ];
  pay = await adminClient("pay");
  before = await listAllObjects(pay);
});

function read(text: string): Kubeconfig {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the fleet wrote it
  return parse(text) as Kubeconfig;
}

/** The good kubeconfig with its cluster or user entry changed. */
function change(
  part: { cluster?: Record<string, unknown>; user?: Record<string, unknown> },
  without: string[] = [],
): string {
  const config = read(good);
  for (const entry of config.clusters) entry.cluster = { ...entry.cluster, ...part.cluster };
  for (const entry of config.users) {
    entry.user = { ...entry.user, ...part.user };
    for (const key of without) delete entry.user[key];
  }
  return stringify(config);
}

/** A token takes the place of the certificate. */
const withToken = (token: string): string =>
  change({ user: { token } }, ["client-certificate-data", "client-key-data"]);

async function connect(kubeconfig: string, id = "pay"): Promise<ProvisionerError> {
  const { provider, versions } = await readTestGround();
  const outcome: unknown = await connectCluster({
    id,
    kubeconfig,
    provider,
    versions,
    deadline: createDeadline(30_000),
  }).catch((error: unknown) => error);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what it is, the assertions below tell
  return outcome as ProvisionerError;
}

const expectUntouched = async (): Promise<void> => {
  expect(compareObjects(before, await listAllObjects(pay))).toEqual(noDifferences);
};

describe("what is refused as it is read", () => {
  const cases: [string, () => string, string, RegExp][] = [
    ["nothing", () => "", "KubeconfigEmpty", /^kubeconfig/],
    ["no YAML", () => "a: [", "KubeconfigNotYaml", /^kubeconfig/],
    ["another document", () => "apiVersion: v1\nkind: Secret\n", "KubeconfigNotConfig", /^kubeconfig/],
    ["aliases", () => `a: &a {b: c}\nd: *a\n${good}`, "KubeconfigHasAliases", /^kubeconfig/],
    [
      "exec",
      () => change({ user: { exec: { apiVersion: "client.authentication.k8s.io/v1", command: "id" } } }),
      "KubeconfigExec",
      /exec/,
    ],
    [
      "auth-provider",
      () => change({ user: { "auth-provider": { name: "gcp" } } }),
      "KubeconfigAuthProvider",
      /auth-provider/,
    ],
    [
      "path of an authority",
      () => change({ cluster: { "certificate-authority": "/etc/ssl/ca.crt" } }),
      "KubeconfigFilePath",
      /certificate-authority/,
    ],
    [
      "path of a certificate",
      () => change({ user: { "client-certificate": "/a.crt" } }),
      "KubeconfigFilePath",
      /client-certificate/,
    ],
    ["path of a key", () => change({ user: { "client-key": "/a.key" } }), "KubeconfigFilePath", /client-key/],
    [
      "path of a token",
      () => change({ user: { tokenFile: "/var/run/secrets/token" } }),
      "KubeconfigFilePath",
      /tokenFile/,
    ],
    ["proxy-url", () => change({ cluster: { "proxy-url": "http://127.0.0.1:3128" } }), "KubeconfigProxy", /proxy-url/],
    [
      "no check of the server",
      () => change({ cluster: { "insecure-skip-tls-verify": true } }),
      "KubeconfigInsecure",
      /insecure-skip-tls-verify/,
    ],
    ["impersonation", () => change({ user: { as: "system:admin" } }), "KubeconfigImpersonation", /as/],
    ["a password", () => change({ user: { username: "a", password: "b" } }), "KubeconfigBasicAuth", /user/],
    ["no https", () => change({ cluster: { server: "http://10.64.1.4:6443" } }), "KubeconfigServerNotHttps", /server/],
    [
      "no credential",
      () => change({}, ["client-certificate-data", "client-key-data"]),
      "KubeconfigCredentialMissing",
      /user/,
    ],
  ];
  test.each(cases)("%s", async (_what, kubeconfig, code, parameter) => {
    const error = await connect(kubeconfig());
    expect(error).toMatchObject({ name: "ProvisionerError", kind: "user", code });
    expect(error.parameter).toMatch(parameter);
    await expectUntouched();
  });
});

describe("addresses that the provider's configuration does not allow", () => {
  const servers = [
    "https://127.0.0.1:6443",
    "https://localhost:6443",
    "https://[::1]:6443",
    "https://169.254.169.254",
    "https://192.168.7.7:6443",
    "https://172.16.0.1",
    "https://[::ffff:127.0.0.1]:6443",
    "https://0.0.0.0:6443",
  ];
  test.each(servers)("%s", async (server) => {
    const error = await connect(change({ cluster: { server } }));
    expect(error).toMatchObject({ kind: "user", code: "AddressNotAllowed" });
    expect(error.parameter).toMatch(/server/);
    await expectUntouched();
  });
});

describe("what only the server can tell", () => {
  test("a name that does not exist", async () => {
    expect(await connect(change({ cluster: { server: "https://nobody.pilothouse.test:6443" } }))).toMatchObject({
      code: "NameNotResolved",
    });
  });

  test("nobody listens", async () => {
    const server = String(read(good).clusters[0]?.cluster["server"]).replace(":6443", ":6444");
    expect(await connect(change({ cluster: { server } }))).toMatchObject({ code: "ServerUnreachable" });
  });

  test("another authority", async () => {
    const error = await connect(change({ cluster: { "certificate-authority-data": otherAuthority } }));
    expect(error).toMatchObject({ kind: "user", code: "UntrustedCertificate" });
    expect(error.parameter).toMatch(/certificate-authority/);
  });

  test("a name that is not the server's", async () => {
    expect(await connect(change({ cluster: { "tls-server-name": "else.example" } }))).toMatchObject({
      kind: "user",
      code: "CertificateNameMismatch",
    });
  });

  test("a token that the server does not know", async () => {
    expect(await connect(withToken("not-a-token-of-this-cluster"))).toMatchObject({
      kind: "user",
      code: "Unauthorized",
    });
  });

  test("no API server", async () => {
    const { status } = await readTestGround();
    const server = `https://${status.clusters.find((cluster) => cluster.kind === "istiod")?.edge?.address ?? ""}:443`;
    const error = await connect(change({ cluster: { server } }));
    expect(error).toMatchObject({ kind: "user", code: "NotKubernetes" });
    expect(error.message).toContain("Check host and port.");
    expect(error.parameter).toMatch(/server/);
  });
});

test("too few rights: all that is missing is named at once, and no token is in the message", async () => {
  const namespace = "rights-test";
  await pay.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await pay.apply({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "little", namespace } });
  const { token } = await pay.requestToken({ namespace, name: "little" }, { expirationSeconds: 600 });
  const error = await connect(withToken(token));
  await pay.delete({ apiVersion: "v1", kind: "Namespace", name: namespace });
  expect(error).toMatchObject({ kind: "user", code: "RightsMissing" });
  for (const right of ["clusterroles", "serviceaccounts", "namespaces"]) expect(error.message).toContain(right);
  expect(error.message).not.toContain(token);
  await expect
    .poll(async () => compareObjects(before, await listAllObjects(pay)), { timeout: 30_000 })
    .toEqual(noDifferences);
});

test("a cluster that runs Istio already is refused, and the error says what was found", async () => {
  const namespace = "mesh-before";
  await pay.apply({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } });
  await pay.apply({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "istiod", namespace, labels: { app: "istiod", "istio.io/rev": "default" } },
    spec: {
      replicas: 0,
      selector: { matchLabels: { app: "istiod" } },
      template: {
        metadata: { labels: { app: "istiod" } },
        spec: { containers: [{ name: "discovery", image: "example.test/pilot" }] },
      },
    },
  });
  const error = await connect(good);
  await pay.delete({ apiVersion: "v1", kind: "Namespace", name: namespace });
  expect(error).toMatchObject({ kind: "user", code: "IstioPresent" });
  expect(error.message).toContain("mesh-before/istiod");
  await expect
    .poll(async () => compareObjects(before, await listAllObjects(pay)), { timeout: 30_000 })
    .toEqual(noDifferences);
});

test("a cluster that is connected under another name is refused; disconnecting leaves istio-system, and the command that removes it", async () => {
  const mesh = await connectMesh("pay");
  expect(await connect(good, "payments")).toMatchObject({ kind: "user", code: "ConnectedElsewhere" });
  const secret = { apiVersion: "v1", kind: "Secret", name: "of-the-tenant", namespace: "istio-system" };
  const isNew = !before.some((line) => line.startsWith("v1 Namespace istio-system "));
  await pay.apply({ apiVersion: "v1", kind: "Secret", metadata: { name: secret.name, namespace: secret.namespace } });
  const { provider } = await readTestGround();
  const { kept } = await disconnectCluster({ cluster: mesh, provider, deadline: createDeadline(60_000) });
  expect(await pay.delete(secret)).toBe(true);
  // An earlier test may have left the mesh's certificate authority there.
  const command = isNew ? kept.join().match(/kubectl delete namespace istio-system .*/)?.[0] : undefined;
  expect(command !== undefined).toBe(isNew);
  if (command !== undefined) await runCommands("pay", [command]);
  await expect
    .poll(async () => compareObjects(before, await listAllObjects(pay)), { timeout: 30_000 })
    .toEqual(noDifferences);
});
