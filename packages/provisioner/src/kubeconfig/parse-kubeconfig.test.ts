import { createPrivateKey } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { stringify } from "yaml";
import { ProvisionerError } from "../errors.ts";
import type { KubeconfigProblem } from "./kubeconfig-error.ts";
import { kubeconfigProblems } from "./kubeconfig-error.ts";
import { parseKubeconfig } from "./parse-kubeconfig.ts";
import { createTestAuthority } from "./test-certificates.ts";
import type { IssuedCertificate, TestAuthority } from "./test-certificates.ts";

const now = new Date();
const hourMs = 3_600_000;
const before = new Date(now.getTime() - hourMs);
const after = new Date(now.getTime() + hourMs);
const base64 = (text: string) => Buffer.from(text).toString("base64");
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const jwt = (claims: object) => `${base64url({ alg: "RS256" })}.${base64url(claims)}.c2ln`;
const seconds = (date: Date) => Math.floor(date.getTime() / 1000);

let authority: TestAuthority;
let expiredAuthority: TestAuthority;
let client: IssuedCertificate;
let otherClient: IssuedCertificate;
let expiredClient: IssuedCertificate;
let futureClient: IssuedCertificate;
let encryptedKey = "";

beforeAll(async () => {
  authority = await createTestAuthority("ca");
  expiredAuthority = await createTestAuthority("old-ca", { notAfter: before });
  client = await authority.issue({ commonName: "admin" });
  otherClient = await authority.issue({ commonName: "other" });
  expiredClient = await authority.issue({ commonName: "admin", notAfter: before });
  futureClient = await authority.issue({ commonName: "admin", notBefore: after });
  encryptedKey = createPrivateKey(client.key)
    .export({ type: "pkcs8", format: "pem", cipher: "aes-256-cbc", passphrase: "x" })
    .toString();
});

type Fields = Record<string, unknown>;

interface Parts {
  root?: Fields;
  cluster?: Fields;
  user?: Fields;
  context?: Fields;
}

/** The text of a good kubeconfig but for the given fields; undefined takes a field out. */
function write({ root, cluster, user, context }: Parts = {}): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "c",
        cluster: {
          server: "https://api.example.com:6443",
          "certificate-authority-data": base64(authority.certificate),
          ...cluster,
        },
      },
    ],
    users: [{ name: "u", user: { token: "abc", ...user } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", ...context } }],
    "current-context": "x",
    ...root,
  });
}

function certificateUser(issued: IssuedCertificate, fields: Fields = {}): Fields {
  return {
    token: undefined,
    "client-certificate-data": base64(issued.certificate),
    "client-key-data": base64(issued.key),
    ...fields,
  };
}

function findProblem(text: string): ProvisionerError | undefined {
  try {
    parseKubeconfig(text, now);
    return undefined;
  } catch (error) {
    if (error instanceof ProvisionerError) return error;
    throw error;
  }
}

interface BadKubeconfig {
  code: KubeconfigProblem;
  parameter: string;
  what: string;
  text: () => string;
}

const bad: BadKubeconfig[] = [];
function declareBad(code: KubeconfigProblem, parameter: string, what: string, text: () => string): void {
  bad.push({ code, parameter, what, text });
}

const server = "kubeconfig.clusters[0].cluster.server";
const authorityData = "kubeconfig.clusters[0].cluster.certificate-authority-data";
const user = "kubeconfig.users[0].user";

declareBad("KubeconfigEmpty", "kubeconfig", "no text", () => "");
declareBad("KubeconfigEmpty", "kubeconfig", "blanks", () => " \n\t\n");
declareBad("KubeconfigEmpty", "kubeconfig", "comments", () => "# nothing\n");
declareBad("KubeconfigTooLarge", "kubeconfig", "200 KiB", () => `# ${"x".repeat(200 * 1024)}`);
declareBad("KubeconfigNotYaml", "kubeconfig", "broken flow", () => "clusters: [");
declareBad("KubeconfigNotYaml", "kubeconfig", "tabs", () => "a:\n\tb: c");
declareBad("KubeconfigNotYaml", "kubeconfig", "a key twice", () => `${write()}kind: Config\n`);
declareBad("KubeconfigNotYaml", "kubeconfig", "an own tag", () => "kind: !!js/function 'x'");
declareBad("KubeconfigNotYaml", "kubeconfig", "nested without end", () => "[".repeat(20_000));
declareBad("KubeconfigNotYaml", "kubeconfig", "closed nesting", () => "[".repeat(10_000) + "]".repeat(10_000));
declareBad("KubeconfigSeveralDocuments", "kubeconfig", "two documents", () => `${write()}---\n${write()}`);
declareBad("KubeconfigHasAliases", "kubeconfig", "anchors that multiply", () => {
  const levels = Array.from({ length: 20 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n},*a${n},*a${n},*a${n}]`);
  return ["a0: &a0 [x]", ...levels].join("\n");
});
declareBad("KubeconfigHasAliases", "kubeconfig", "an anchor on a map", () => "a: &a\n  b: c\n");
declareBad("KubeconfigHasAliases", "kubeconfig", "one anchor", () => write().replace("server: ", "server: &s "));
declareBad("KubeconfigNotConfig", "kubeconfig", "a word", () => "hello");
declareBad("KubeconfigNotConfig", "kubeconfig", "a list", () => "- a\n- b");
declareBad("KubeconfigNotConfig", "kubeconfig", "some other YAML", () => "a: b");
declareBad("KubeconfigNotConfig", "kubeconfig.kind", "a Secret", () => "apiVersion: v1\nkind: Secret\ndata: {}");
declareBad("KubeconfigNotConfig", "kubeconfig.apiVersion", "version 2", () => write({ root: { apiVersion: "v2" } }));
declareBad("KubeconfigWrongType", "kubeconfig.clusters", "clusters as map", () =>
  write({ root: { clusters: { c: {} } } }),
);
declareBad("KubeconfigWrongType", "kubeconfig.users[0]", "a user as text", () => write({ root: { users: ["u"] } }));
declareBad("KubeconfigWrongType", "kubeconfig.users[0].user", "user fields as text", () =>
  write({ root: { users: [{ name: "u", user: "me" }] } }),
);
declareBad("KubeconfigWrongType", `${user}.token`, "a number as token", () => write({ user: { token: 12_345 } }));
declareBad("KubeconfigWrongType", "kubeconfig.current-context", "a number as context", () =>
  write({ root: { "current-context": 1 } }),
);
declareBad("KubeconfigWrongType", "kubeconfig.clusters[0].cluster.insecure-skip-tls-verify", "a word as switch", () =>
  write({ cluster: { "insecure-skip-tls-verify": "no" } }),
);
declareBad("KubeconfigUnknownField", "kubeconfig.clusters[0].cluster.via", "cluster field", () =>
  write({ cluster: { via: "x" } }),
);
declareBad("KubeconfigUnknownField", `${user}.ticket`, "user field", () => write({ user: { ticket: "x" } }));
declareBad("KubeconfigNoCurrentContext", "kubeconfig.current-context", "none", () =>
  write({ root: { "current-context": undefined } }),
);
declareBad("KubeconfigNoCurrentContext", "kubeconfig.current-context", "empty", () =>
  write({ root: { "current-context": "" } }),
);
declareBad("KubeconfigContextMissing", "kubeconfig.current-context", "dangling", () =>
  write({ root: { "current-context": "y" } }),
);
declareBad("KubeconfigContextMissing", "kubeconfig.current-context", "no contexts", () =>
  write({ root: { contexts: null } }),
);
declareBad("KubeconfigContextIncomplete", "kubeconfig.contexts[0].context.cluster", "no cluster", () =>
  write({ context: { cluster: undefined } }),
);
declareBad("KubeconfigContextIncomplete", "kubeconfig.contexts[0].context.user", "no user", () =>
  write({ context: { user: "" } }),
);
declareBad("KubeconfigClusterMissing", "kubeconfig.contexts[0].context.cluster", "dangling", () =>
  write({ context: { cluster: "d" } }),
);
declareBad("KubeconfigUserMissing", "kubeconfig.contexts[0].context.user", "dangling", () =>
  write({ context: { user: "v" } }),
);
declareBad("KubeconfigUserMissing", "kubeconfig.contexts[0].context.user", "no users", () =>
  write({ root: { users: [] } }),
);
declareBad("KubeconfigNameAmbiguous", "kubeconfig.users[1].name", "two users", () =>
  write({
    root: {
      users: [
        { name: "u", user: { token: "a" } },
        { name: "u", user: { token: "b" } },
      ],
    },
  }),
);
declareBad("KubeconfigExec", `${user}.exec`, "exec", () =>
  write({ user: { token: undefined, exec: { command: "aws", apiVersion: "v1" } } }),
);
declareBad("KubeconfigAuthProvider", `${user}.auth-provider`, "auth-provider", () =>
  write({ user: { "auth-provider": { name: "oidc" } } }),
);
declareBad("KubeconfigFilePath", "kubeconfig.clusters[0].cluster.certificate-authority", "authority", () =>
  write({ cluster: { "certificate-authority": "/ca.crt" } }),
);
for (const field of ["client-certificate", "client-key", "tokenFile"]) {
  declareBad("KubeconfigFilePath", `${user}.${field}`, field, () => write({ user: { [field]: "/some/file" } }));
}
declareBad("KubeconfigProxy", "kubeconfig.clusters[0].cluster.proxy-url", "proxy", () =>
  write({ cluster: { "proxy-url": "socks5://127.0.0.1:1080" } }),
);
declareBad("KubeconfigInsecure", "kubeconfig.clusters[0].cluster.insecure-skip-tls-verify", "insecure", () =>
  write({ cluster: { "insecure-skip-tls-verify": true } }),
);
for (const [field, value] of Object.entries({
  as: "root",
  "as-uid": "1",
  "as-groups": ["system:masters"],
  "as-user-extra": { a: ["b"] },
})) {
  declareBad("KubeconfigImpersonation", `${user}.${field}`, field, () => write({ user: { [field]: value } }));
}
declareBad("KubeconfigBasicAuth", `${user}.username`, "user name", () =>
  write({ user: { username: "admin", password: "x" } }),
);
declareBad("KubeconfigBasicAuth", `${user}.password`, "password", () => write({ user: { password: "x" } }));
declareBad("KubeconfigServerMissing", server, "none", () => write({ cluster: { server: undefined } }));
for (const [what, url] of Object.entries({
  "no scheme": "api.example.com:6443",
  "no host": "https://",
  "a port that is none": "https://api.example.com:70000",
  "port 0": "https://api.example.com:0",
  "a blank": "https://api. example.com",
  "a line break": "https://api.exa\nmple.com",
  backslashes: String.raw`https:\\api.example.com`,
  "a wrong address": "https://1.2.3.4.5:6443",
  "a host that is none": "https://*.example.com",
})) {
  declareBad("KubeconfigServerInvalid", server, what, () => write({ cluster: { server: url } }));
}
declareBad("KubeconfigServerNotHttps", server, "http", () =>
  write({ cluster: { server: "http://api.example.com:6443" } }),
);
declareBad("KubeconfigServerNotHttps", server, "unix", () =>
  write({ cluster: { server: "unix:///var/run/api.sock" } }),
);
declareBad("KubeconfigServerHasCredentials", server, "user and password", () =>
  write({ cluster: { server: "https://a:b@api.example.com" } }),
);
declareBad("KubeconfigServerHasCredentials", server, "an empty user", () =>
  write({ cluster: { server: "https://@api.example.com" } }),
);
declareBad("KubeconfigServerHasPath", server, "path", () =>
  write({ cluster: { server: "https://rancher.example.com/k8s/clusters/c-1" } }),
);
declareBad("KubeconfigServerHasQuery", server, "query", () =>
  write({ cluster: { server: "https://api.example.com/?a=b" } }),
);
declareBad("KubeconfigServerHasQuery", server, "fragment", () =>
  write({ cluster: { server: "https://api.example.com/#" } }),
);
declareBad("KubeconfigTlsServerNameInvalid", "kubeconfig.clusters[0].cluster.tls-server-name", "a URL", () =>
  write({ cluster: { "tls-server-name": "https://a" } }),
);
declareBad("KubeconfigNotBase64", authorityData, "PEM as it is", () =>
  write({ cluster: { "certificate-authority-data": authority.certificate } }),
);
declareBad("KubeconfigNotBase64", `${user}.client-key-data`, "cut off", () =>
  write({ user: certificateUser(client, { "client-key-data": base64(client.key).slice(0, -3) }) }),
);
declareBad("KubeconfigNotPem", authorityData, "no PEM", () =>
  write({ cluster: { "certificate-authority-data": base64("hello") } }),
);
declareBad("KubeconfigNotPem", authorityData, "no certificate inside", () =>
  write({
    cluster: {
      "certificate-authority-data": base64("-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----"),
    },
  }),
);
declareBad("KubeconfigNotPem", `${user}.client-certificate-data`, "a key for a certificate", () =>
  write({ user: certificateUser(client, { "client-certificate-data": base64(client.key) }) }),
);
declareBad("KubeconfigNotPem", `${user}.client-key-data`, "a certificate for a key", () =>
  write({ user: certificateUser(client, { "client-key-data": base64(client.certificate) }) }),
);
declareBad("KubeconfigCertificateAuthorityExpired", authorityData, "expired authority", () =>
  write({ cluster: { "certificate-authority-data": base64(expiredAuthority.certificate) } }),
);
declareBad("KubeconfigCredentialMissing", user, "no credential", () => write({ user: { token: undefined } }));
declareBad("KubeconfigCredentialMissing", user, "an empty token", () => write({ user: { token: "" } }));
declareBad("KubeconfigCredentialAmbiguous", `${user}.token`, "both", () =>
  write({ user: certificateUser(client, { token: "abc" }) }),
);
declareBad("KubeconfigClientKeyMissing", `${user}.client-key-data`, "no key", () =>
  write({ user: certificateUser(client, { "client-key-data": undefined }) }),
);
declareBad("KubeconfigClientCertificateMissing", `${user}.client-certificate-data`, "no certificate", () =>
  write({ user: certificateUser(client, { "client-certificate-data": undefined }) }),
);
declareBad("KubeconfigClientKeyEncrypted", `${user}.client-key-data`, "a passphrase", () =>
  write({ user: certificateUser(client, { "client-key-data": base64(encryptedKey) }) }),
);
declareBad("KubeconfigClientKeyMismatch", `${user}.client-key-data`, "another key", () =>
  write({ user: certificateUser(client, { "client-key-data": base64(otherClient.key) }) }),
);
declareBad("KubeconfigClientCertificateExpired", `${user}.client-certificate-data`, "expired", () =>
  write({ user: certificateUser(expiredClient) }),
);
declareBad("KubeconfigClientCertificateNotYetValid", `${user}.client-certificate-data`, "not yet valid", () =>
  write({ user: certificateUser(futureClient) }),
);
declareBad("KubeconfigTokenInvalid", `${user}.token`, "a header", () => write({ user: { token: "Bearer abc" } }));
declareBad("KubeconfigTokenInvalid", `${user}.token`, "a line break", () =>
  write({ user: { token: "abc\r\nx-evil: 1" } }),
);
declareBad("KubeconfigTokenExpired", `${user}.token`, "expired", () =>
  write({ user: { token: jwt({ exp: seconds(before) }) } }),
);
declareBad("KubeconfigTokenNotYetValid", `${user}.token`, "not yet valid", () =>
  write({ user: { token: jwt({ exp: seconds(after), nbf: seconds(after) }) } }),
);

test.for(bad.map(({ code, what, ...rest }) => [code, what, rest] as const))(
  "%s: %s",
  ([code, , { parameter, text }]) => {
    const source = text();
    const problem = findProblem(source);
    expect(problem).toMatchObject({ kind: "user", code, parameter });
    const secrets = [client.key, base64(client.key), "-----BEGIN", "x-evil", "Bearer abc"].filter((secret) =>
      source.includes(secret),
    );
    expect(secrets.filter((secret) => problem?.message.includes(secret) === true)).toEqual([]);
  },
);

test("every declared problem has a kubeconfig that shows it", () => {
  const shown = new Set<string>(bad.map(({ code }) => code));
  expect(Object.keys(kubeconfigProblems).filter((code) => !shown.has(code))).toEqual([]);
});

test("a token and the parameters' paths come out", () => {
  expect(parseKubeconfig(write(), now)).toEqual({
    access: {
      server: "https://api.example.com:6443",
      certificateAuthority: authority.certificate.trim() + "\n",
      credential: { token: "abc" },
    },
    parameters: { server, certificateAuthority: authorityData, credential: `${user}.token` },
  });
});

test("a client certificate comes out with its key", () => {
  const { access } = parseKubeconfig(write({ user: certificateUser(client) }), now);
  expect(access.credential).toEqual({
    clientCertificate: client.certificate.trim() + "\n",
    clientKey: client.key.trim() + "\n",
  });
});

test("only certificates are kept of what the authority's field holds", () => {
  const data = base64(`note\n${authority.key}\n${authority.certificate}\n${expiredAuthority.certificate}`);
  const { access } = parseKubeconfig(write({ cluster: { "certificate-authority-data": data } }), now);
  expect(access.certificateAuthority?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
  expect(access.certificateAuthority).not.toContain("PRIVATE KEY");
});

test.for([
  ["https://api.example.com", "https://api.example.com:443"],
  ["https://api.example.com:443/", "https://api.example.com:443"],
  ["https://API.Example.com.:6443", "https://api.example.com:6443"],
  ["https://[2001:db8::1]:6443", "https://[2001:db8::1]:6443"],
  ["https://0x7f.1:6443", "https://127.0.0.1:6443"],
  ["https://bücher.example:6443", "https://xn--bcher-kva.example:6443"],
] as const)("server %s is %s", ([given, read]) => {
  expect(parseKubeconfig(write({ cluster: { server: given } }), now).access.server).toBe(read);
});

test("JSON, extra fields elsewhere, empty fields, and bad entries that aren't used are accepted", () => {
  const text = JSON.stringify({
    preferences: {},
    extra: true,
    clusters: [
      { name: "unused", cluster: { server: "http://localhost", "proxy-url": "http://p" } },
      {
        name: "c",
        cluster: { server: "https://a.example:1", "proxy-url": "", "insecure-skip-tls-verify": false, extensions: [] },
      },
    ],
    users: [
      { name: "unused", user: { exec: { command: "x" } } },
      { name: "unused", user: {} },
      { name: "u", user: { token: " abc\n", username: "", "client-key": null } },
    ],
    contexts: [{ name: "x", context: { cluster: "c", user: "u", namespace: "n" } }],
    "current-context": "x",
  });
  expect(parseKubeconfig(text, now).access).toEqual({ server: "https://a.example:1", credential: { token: "abc" } });
});

test("the tls-server-name comes out", () => {
  expect(parseKubeconfig(write({ cluster: { "tls-server-name": "kubernetes" } }), now).access.tlsServerName).toBe(
    "kubernetes",
  );
});

test("names out of the text are shown short and harmless", () => {
  const problem = findProblem(write({ root: { "current-context": `\u001b[31m${"n".repeat(10_000)}` } }));
  expect(problem?.message.length).toBeLessThan(300);
  expect(problem?.message).not.toContain("\u001b");
});
