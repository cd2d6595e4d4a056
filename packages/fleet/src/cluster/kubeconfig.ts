import { readFile, rename, writeFile } from "node:fs/promises";
import { stringify } from "yaml";
import type { KeyPairFiles } from "../pki.ts";

/** Writes a kubeconfig with everything inline, readable by its owner alone. */
export async function writeKubeconfig(
  file: string,
  content: { cluster: string; server: string; authorityFile: string; user: string; leaf: KeyPairFiles },
): Promise<string> {
  const base64 = async (path: string): Promise<string> => (await readFile(path)).toString("base64");
  const text = stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: content.cluster,
        cluster: { server: content.server, "certificate-authority-data": await base64(content.authorityFile) },
      },
    ],
    users: [
      {
        name: content.user,
        user: {
          "client-certificate-data": await base64(content.leaf.certificateFile),
          "client-key-data": await base64(content.leaf.keyFile),
        },
      },
    ],
    contexts: [{ name: content.cluster, context: { cluster: content.cluster, user: content.user } }],
    "current-context": content.cluster,
  });
  await writeFile(`${file}.tmp`, text, { mode: 0o600 });
  await rename(`${file}.tmp`, file);
  return file;
}
