import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { renderKubeconfigSecret } from "./render-kubeconfig-secret.ts";

const revision = { id: "r1", tenant: "t", controlPlane: "c" };
const secretData = z.object({ config: z.base64(), token: z.base64() });
const decode = (text: string): string => Buffer.from(text, "base64").toString("utf8");

test("the token is a file beside the kubeconfig, which does not hold it", () => {
  const secret = renderKubeconfigSecret(
    revision,
    { id: "shop", server: "https://api.example.com:6443", certificateAuthority: "PEM\n", tlsServerName: "kubernetes" },
    "very-secret",
  );
  expect(secret.metadata).toMatchObject({ name: "istio-kubeconfig", namespace: "r1" });
  const data = secretData.parse(secret["data"]);
  expect(decode(data.token)).toBe("very-secret");
  const config = decode(data.config);
  expect(config).not.toContain("very-secret");
  expect(parse(config)).toMatchObject({
    clusters: [
      {
        name: "shop",
        cluster: {
          server: "https://api.example.com:6443",
          "certificate-authority-data": Buffer.from("PEM\n").toString("base64"),
          "tls-server-name": "kubernetes",
        },
      },
    ],
    users: [{ user: { tokenFile: "/var/run/secrets/remote/token" } }],
  });
});

test("without a certificate authority or name of its own, the kubeconfig says nothing of them", () => {
  const secret = renderKubeconfigSecret(revision, { id: "shop", server: "https://api.example.com" }, "t");
  const config = decode(secretData.parse(secret["data"]).config);
  expect(parse(config)).toMatchObject({ clusters: [{ cluster: { server: "https://api.example.com" } }] });
  expect(config).not.toMatch(/certificate-authority|tls-server-name/);
});
