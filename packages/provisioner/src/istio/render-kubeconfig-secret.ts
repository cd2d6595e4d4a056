import { stringify } from "yaml";
import type { KubeObject } from "../kube/types.ts";
import type { Revision } from "../types.ts";
import { buildObjectMeta, kubeconfigMountPath, kubeconfigSecretName, type MeshFacts } from "./names.ts";

/**
 * The kubeconfig with which istiod reaches its mesh cluster. The token is a file beside it, which client-go reads again at least each
 * minute, so that a new token needs no restart; the kubeconfig itself is read once, when istiod starts.
 */
export function buildIstiodKubeconfig(mesh: MeshFacts): string {
  const known = built.get(mesh);
  if (known !== undefined) return known;
  const text = writeKubeconfig(mesh);
  built.set(mesh, text);
  return text;
}

/** Each look needs it more than once. Facts of a mesh are never changed in place. */
const built = new WeakMap<MeshFacts, string>();

function writeKubeconfig(mesh: MeshFacts): string {
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: mesh.id,
        cluster: {
          server: mesh.server,
          ...(mesh.certificateAuthority === undefined
            ? {}
            : { "certificate-authority-data": encodeBase64(mesh.certificateAuthority) }),
          ...(mesh.tlsServerName === undefined ? {} : { "tls-server-name": mesh.tlsServerName }),
        },
      },
    ],
    users: [{ name: "istiod", user: { tokenFile: `${kubeconfigMountPath}/token` } }],
    contexts: [{ name: "mesh", context: { cluster: mesh.id, user: "istiod" } }],
    "current-context": "mesh",
  });
}

/**
 * The Secret that istiod's Deployment waits for, with keys `config` and `token`. It has to exist before the Deployment. It is not part of
 * the configuration hash: a new token reaches the running istiod by the kubelet's volume sync.
 *
 * @param token istiod's token for the mesh cluster. The returned object holds it: don't log it.
 */
export function renderKubeconfigSecret(
  revision: Pick<Revision, "id" | "tenant" | "controlPlane">,
  mesh: MeshFacts,
  token: string,
): KubeObject {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: buildObjectMeta(revision, mesh, kubeconfigSecretName),
    type: "Opaque",
    data: { config: encodeBase64(buildIstiodKubeconfig(mesh)), token: encodeBase64(token) },
  };
}

function encodeBase64(text: string): string {
  return Buffer.from(text, "utf8").toString("base64");
}
