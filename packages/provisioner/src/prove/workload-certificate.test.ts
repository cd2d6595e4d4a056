import "reflect-metadata";
import { createPublicKey, X509Certificate } from "node:crypto";
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from "@peculiar/x509";
import { beforeAll, expect, test } from "vitest";
import { createTestRoot, generateKeys, type TestAuthority } from "./testing/test-mesh.ts";
import {
  checkWorkloadCertificate,
  createKeyAndRequest,
  type KeyAndRequest,
  takeKeyAndRequest,
} from "./workload-certificate.ts";

const spiffeId = "spiffe://cluster.local/ns/pilothouse-probe/sa/pilothouse-probe";
let root: TestAuthority;
let asked: KeyAndRequest;

beforeAll(async () => {
  root = await createTestRoot();
  asked = await createKeyAndRequest(spiffeId);
});

function check(chain: string[], changes: { rootCertificates?: string; nowMs?: number } = {}) {
  return checkWorkloadCertificate(chain, {
    spiffeId,
    privateKey: asked.privateKey,
    rootCertificates: root.certificate,
    nowMs: Date.now(),
    ...changes,
  });
}

test("the request has a P-256 key, no subject, and the SPIFFE id as its only name", async () => {
  const request = new Pkcs10CertificateRequest(asked.csr);
  expect(request.subject).toBe("");
  expect(request.publicKey.algorithm).toMatchObject({ name: "ECDSA", namedCurve: "P-256" });
  expect(await request.verify()).toBe(true);
  const [names, ...others] = request.extensions;
  expect(others).toEqual([]);
  expect(names).toBeInstanceOf(SubjectAlternativeNameExtension);
  expect(names?.toString("base64")).toBe(
    new SubjectAlternativeNameExtension([{ type: "url", value: spiffeId }]).toString("base64"),
  );
});

test("a key is used for an hour, for one identity", async () => {
  const first = await takeKeyAndRequest(spiffeId, 0);
  expect(await takeKeyAndRequest(spiffeId, 3_599_999)).toBe(first);
  expect((await takeKeyAndRequest(`${spiffeId}-other`, 0)).privateKey).not.toBe(first.privateKey);
  expect((await takeKeyAndRequest(spiffeId, 3_600_000)).privateKey).not.toBe(first.privateKey);
});

test("a certificate of the root is accepted, and comes with what to present", async () => {
  const leaf = await root.signRequest(asked.csr, spiffeId);
  const { identity, details } = check([leaf, root.certificate]);
  expect(new X509Certificate(identity.certificateChain).publicKey.equals(createPublicKey(asked.privateKey))).toBe(true);
  expect(identity.certificateChain).not.toContain(root.certificate);
  expect(details).toMatchObject({ spiffeId, chainLength: 2 });
  expect(JSON.stringify(details)).not.toContain("PRIVATE KEY");
});

test("intermediates lead to the root, also when the mesh has several roots", async () => {
  const intermediate = await (await root.issueAuthority("outer")).issueAuthority("inner");
  const outer = await root.issueAuthority("outer");
  const inner = await outer.issueAuthority("inner");
  const leaf = await inner.signRequest(asked.csr, spiffeId);
  const chain = [leaf, `${inner.certificate}\n`, `${outer.certificate}\n`, root.certificate];
  const bundle = `${(await createTestRoot("other")).certificate}\n${root.certificate}`;
  expect(check(chain, { rootCertificates: bundle }).details).toMatchObject({ chainLength: 4 });
  // Another inner authority of the same name, with another key.
  expect(() => check([leaf, intermediate.certificate, outer.certificate, root.certificate])).toThrow(
    expect.objectContaining({ reason: "ChainNotTrusted" }),
  );
});

test("a chain of another root, even of the same name, is not trusted", async () => {
  const other = await createTestRoot();
  const leaf = await other.signRequest(asked.csr, spiffeId);
  expect(() => check([leaf, other.certificate])).toThrow(expect.objectContaining({ reason: "ChainNotTrusted" }));
  expect(() => check([leaf, root.certificate])).toThrow(expect.objectContaining({ reason: "ChainNotTrusted" }));
});

test("a workload's certificate signs nothing", async () => {
  const leaf = await root.signRequest(asked.csr, spiffeId);
  expect(() => check([leaf, leaf])).not.toThrow();
  expect(() => check([leaf, leaf], { rootCertificates: leaf })).toThrow(
    expect.objectContaining({ reason: "ChainNotTrusted" }),
  );
});

test("another identity, another key, another time", async () => {
  const foreign = await root.signRequest(asked.csr, "spiffe://other/ns/pilothouse-probe/sa/pilothouse-probe");
  expect(() => check([foreign, root.certificate])).toThrow(expect.objectContaining({ reason: "WrongIdentity" }));
  const { publicKey } = await generateKeys();
  const rekeyed = await root.signRequest(asked.csr, spiffeId, { publicKey });
  expect(() => check([rekeyed, root.certificate])).toThrow(expect.objectContaining({ reason: "WrongKey" }));
  const expired = await root.signRequest(asked.csr, spiffeId, { validity: { fromDays: -0.9, toDays: -0.5 } });
  expect(() => check([expired, root.certificate])).toThrow(expect.objectContaining({ reason: "WrongValidity" }));
  const leaf = await root.signRequest(asked.csr, spiffeId);
  const inAYear = Date.now() + 365 * 86_400_000;
  expect(() => check([leaf, root.certificate], { nowMs: inAYear })).toThrow(
    expect.objectContaining({ reason: "WrongValidity" }),
  );
});

test("no chain, or no certificates", () => {
  expect(() => check([])).toThrow(expect.objectContaining({ reason: "BadAnswer" }));
  expect(() => check(["nonsense", root.certificate])).toThrow(expect.objectContaining({ reason: "BadAnswer" }));
  const broken = "-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----";
  expect(() => check([broken, root.certificate])).toThrow(expect.objectContaining({ reason: "BadAnswer" }));
});
