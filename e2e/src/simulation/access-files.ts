import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";
import { type Authority, createKeyPair } from "./certificates.ts";
import { administrators } from "./identities.ts";

const secret = { mode: 0o600 };
const encode = (text: string): string => Buffer.from(text).toString("base64");
/** Certificates of all clients here have one key; each is still its own authority's. */
const clientKeys = createKeyPair();

/** Writes an administrator's kubeconfig of a cluster. */
export async function writeKubeconfig(
  file: string,
  { name, server, authority }: { name: string; server: string; authority: Authority },
): Promise<void> {
  const certificate = authority.issue(clientKeys.publicKey, { names: [], organisation: administrators });
  const text = stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name, cluster: { server, "certificate-authority-data": encode(authority.certificate) } }],
    users: [
      {
        name: "admin",
        user: { "client-certificate-data": encode(certificate), "client-key-data": encode(clientKeys.privateKey) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user: "admin" } }],
    "current-context": name,
  });
  await writeFile(file, text, secret);
}

/** Writes what the record store lets in, and answers where. */
export async function writePublisherFiles(folder: string, authority: Authority) {
  const files = {
    authorityFile: join(folder, "records-authority.crt"),
    certificateFile: join(folder, "records.crt"),
    keyFile: join(folder, "records.key"),
  };
  await writeFile(files.authorityFile, authority.certificate);
  await writeFile(
    files.certificateFile,
    authority.issue(clientKeys.publicKey, { names: [{ dns: "publisher.simulated.invalid" }] }),
  );
  await writeFile(files.keyFile, clientKeys.privateKey, secret);
  return files;
}
