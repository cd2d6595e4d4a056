import { ProvisionerError } from "../errors.ts";

/** Every way in which a kubeconfig can be unfit, by the code of its error. */
export const kubeconfigProblems = {
  KubeconfigEmpty: "there is no text",
  KubeconfigTooLarge: "longer than any kubeconfig",
  KubeconfigNotYaml: "neither YAML nor JSON",
  KubeconfigSeveralDocuments: "more than one YAML document",
  KubeconfigHasAliases: "YAML anchors and aliases, which can expand without end",
  KubeconfigNotConfig: "YAML, but not a kubeconfig",
  KubeconfigWrongType: "a field holds another type than it should",
  KubeconfigUnknownField: "the cluster or user in use has a field whose meaning for the connection is unknown",
  KubeconfigNoCurrentContext: "no context is chosen",
  KubeconfigContextMissing: "the chosen context is not there",
  KubeconfigContextIncomplete: "the chosen context names no cluster or no user",
  KubeconfigClusterMissing: "the context's cluster is not there",
  KubeconfigUserMissing: "the context's user is not there",
  KubeconfigNameAmbiguous: "two entries have the name that is looked up",
  KubeconfigExec: "a program would have to be run to log in",
  KubeconfigAuthProvider: "a plug-in would be needed to log in",
  KubeconfigFilePath: "a file of another machine is referred to",
  KubeconfigProxy: "a proxy is to be used",
  KubeconfigInsecure: "the server's certificate is not to be checked",
  KubeconfigImpersonation: "another user is to be impersonated",
  KubeconfigBasicAuth: "user name and password, which API servers no longer take",
  KubeconfigServerMissing: "the cluster has no server",
  KubeconfigServerInvalid: "the server is no URL",
  KubeconfigServerNotHttps: "the server's URL is not https",
  KubeconfigServerHasCredentials: "the server's URL holds a user name or password",
  KubeconfigServerHasPath: "the server's URL has a path",
  KubeconfigServerHasQuery: "the server's URL has a query or a fragment",
  KubeconfigTlsServerNameInvalid: "tls-server-name is neither a host name nor an address",
  KubeconfigNotBase64: "a field with data is not base64",
  KubeconfigNotPem: "a field with data holds no certificate or key",
  KubeconfigCertificateAuthorityExpired: "every certificate of the authority is expired",
  KubeconfigCredentialMissing: "neither token nor client certificate",
  KubeconfigCredentialAmbiguous: "both token and client certificate",
  KubeconfigClientKeyMissing: "a client certificate without its key",
  KubeconfigClientCertificateMissing: "a client key without its certificate",
  KubeconfigClientKeyEncrypted: "the client key needs a passphrase",
  KubeconfigClientKeyMismatch: "the client key is not that of the certificate",
  KubeconfigClientCertificateExpired: "the client certificate is expired",
  KubeconfigClientCertificateNotYetValid: "the client certificate is not valid yet",
  KubeconfigTokenInvalid: "the token has characters that no token has",
  KubeconfigTokenExpired: "the token is expired",
  KubeconfigTokenNotYetValid: "the token is not valid yet",
} as const;

export type KubeconfigProblem = keyof typeof kubeconfigProblems;

/** An error about a kubeconfig. `parameter` is the path of the field at fault; values never go into the message. */
export function createKubeconfigError(code: KubeconfigProblem, parameter: string, message: string): ProvisionerError {
  return new ProvisionerError("user", code, message, { parameter });
}

const longestName = 80;

/** A name out of the kubeconfig, made fit for a message: bounded, without control characters. */
export function quoteName(name: string): string {
  return JSON.stringify(name.length > longestName ? `${name.slice(0, longestName)}...` : name);
}
