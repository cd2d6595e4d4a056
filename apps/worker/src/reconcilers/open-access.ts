import { createHash } from "node:crypto";
import type { StoredIstiodCluster, StoredMesh } from "@pilothouse/core";
import { type IstiodCluster, type MeshCluster, parseKubeconfig, ProvisionerError } from "@pilothouse/provisioner";
import { z } from "zod";
import type { KeyRing } from "../key-ring.ts";

const tokenSchema = z.object({
  token: z.string(),
  namespace: z.string(),
  serviceAccount: z.string(),
  secretName: z.string(),
  secretUid: z.string(),
  issuedAt: z.string(),
  expiresAt: z.string(),
});

/**
 * Opens the token of a connected mesh cluster.
 * @throws ProvisionerError TokenDamaged (unknown) when what was sealed is no token, or what opening the seal throws
 */
export async function openMesh(keys: KeyRing, stored: StoredMesh): Promise<MeshCluster> {
  const { id, server, certificateAuthority, tlsServerName, clusterUid, token } = stored;
  return {
    id,
    server,
    ...(certificateAuthority === null ? {} : { certificateAuthority }),
    ...(tlsServerName === null ? {} : { tlsServerName }),
    clusterUid,
    token: readToken(await keys.openText(token)),
  };
}

/** Of the few istiod clusters, whose kubeconfigs are read for every revision in them. The text is a secret, so that its hash stands for it. */
const readAccess = keepNewest(64, (text: string) => parseKubeconfig(text).access);

/** Remembers what a function made of the newest texts. */
function keepNewest<Result>(most: number, make: (text: string) => Result): (text: string) => Result {
  const kept = new Map<string, Result>();
  return (text) => {
    const id = createHash("sha256").update(text).digest("base64");
    const found = kept.get(id) ?? make(text);
    kept.delete(id);
    kept.set(id, found);
    for (const oldest of kept.keys()) {
      if (kept.size <= most) break;
      kept.delete(oldest);
    }
    return found;
  };
}

/** The errors of parsers quote what they read: none of them goes on from here. */
function readToken(text: string): MeshCluster["token"] {
  try {
    return tokenSchema.parse(JSON.parse(text));
  } catch {
    throw new ProvisionerError(
      "unknown",
      "TokenDamaged",
      "What is stored as Pilothouse's token for the cluster is none. Connect the cluster again with a kubeconfig.",
    );
  }
}

/**
 * Opens the access of an istiod cluster.
 * @throws ProvisionerError NoAccess (unknown) when none has been given, or what `parseKubeconfig` throws
 */
export async function openIstiodCluster(keys: KeyRing, stored: StoredIstiodCluster): Promise<IstiodCluster> {
  const { name, line, edgeAddresses, access } = stored;
  if (access === null) {
    throw new ProvisionerError(
      "unknown",
      "NoAccess",
      `Istiod cluster ${name} has no kubeconfig, so that nothing can be done there. Give it one.`,
    );
  }
  return { name, line, edgeAddresses, access: readAccess(await keys.openText(access)) };
}
