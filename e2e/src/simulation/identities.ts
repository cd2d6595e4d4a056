import { createHmac, createSecretKey, randomBytes } from "node:crypto";
import type { KubeObject } from "@pilothouse/provisioner";
import { ApiError, createNotFound } from "./api-error.ts";
import type { KindTable, ServedKind } from "./kinds.ts";
import type { ObjectStore } from "./object-store.ts";
import { listAt, textAt, valueAt } from "./values.ts";

/** Who makes a call. */
export interface User {
  name: string;
  uid: string;
  groups: readonly string[];
}

/** Group of those who may do everything. */
export const administrators = "system:masters";
const mostChecked = 32;
/** Audience of the API server itself. */
const ownAudience = "https://kubernetes.default.svc.cluster.local";

/** The tokens of one cluster. */
export interface Identities {
  /** Who a token is for; undefined when it is not good, or not for any of these audiences. */
  authenticate: (token: string, audiences?: readonly string[]) => User | undefined;
  /** Answers a TokenRequest's status. */
  requestToken: (
    namespace: string,
    account: string,
    request: unknown,
  ) => { token: string; expirationTimestamp: string };
}

interface Bearer {
  namespace: string;
  account: string;
  audiences: readonly unknown[];
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function readClaims(payload: string): unknown {
  try {
    return JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

export function createIdentities(store: ObjectStore, kinds: KindTable): Identities {
  const key = createSecretKey(randomBytes(32));
  const find = (resource: string, namespace: string, name: string): KubeObject | undefined => {
    const kind = requireKind(kinds, resource);
    return store.get(kind, namespace, name);
  };
  const signText = (text: string): string => createHmac("sha256", key).update(text).digest("base64url");
  const isSame = (object: KubeObject | undefined, uid: string): boolean =>
    object?.metadata.uid === uid && object.metadata.deletionTimestamp === undefined;

  /** Claims of tokens whose signature was found right. */
  const checked = new Map<string, unknown>();
  const check = (token: string): unknown => {
    if (checked.has(token)) return checked.get(token);
    const [header = "", payload = "", signature = ""] = token.split(".");
    if (signature !== signText(`${header}.${payload}`)) return undefined;
    const claims = readClaims(payload);
    if (checked.size >= mostChecked) checked.clear();
    checked.set(token, claims);
    return claims;
  };

  /** A token lives as long as its account, and the Secret it is bound to. */
  function readBearer(token: string): Bearer | undefined {
    const claims = check(token);
    const expires = valueAt(claims, "exp");
    if (typeof expires !== "number" || expires * 1000 <= Date.now()) return undefined;
    const own = valueAt(claims, "kubernetes.io");
    const namespace = textAt(own, "namespace");
    const account = textAt(own, "serviceaccount", "name");
    if (!isSame(find("serviceaccounts", namespace, account), textAt(own, "serviceaccount", "uid"))) return undefined;
    const secret = textAt(own, "secret", "name");
    if (secret !== "" && !isSame(find("secrets", namespace, secret), textAt(own, "secret", "uid"))) return undefined;
    return { namespace, account, audiences: listAt(claims, "aud") };
  }

  return {
    authenticate(token, audiences = [ownAudience]) {
      const bearer = readBearer(token);
      if (bearer === undefined || !audiences.some((audience) => bearer.audiences.includes(audience))) return undefined;
      const { namespace, account } = bearer;
      const groups = ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
      const uid = find("serviceaccounts", namespace, account)?.metadata.uid ?? "";
      return { name: `system:serviceaccount:${namespace}:${account}`, uid, groups };
    },

    requestToken(namespace, account, request) {
      const found = find("serviceaccounts", namespace, account);
      if (found === undefined) throw createNotFound("", "serviceaccounts", account);
      const wantedSeconds = valueAt(request, "spec", "expirationSeconds");
      const lifetimeSeconds = typeof wantedSeconds === "number" ? wantedSeconds : 3_600;
      if (lifetimeSeconds < 600)
        throw new ApiError(
          422,
          "Invalid",
          "spec.expirationSeconds: Invalid value: may not specify a duration less than 10 minutes",
        );
      const bound = valueAt(request, "spec", "boundObjectRef");
      const secret = bound === undefined ? undefined : find("secrets", namespace, textAt(bound, "name"));
      if (bound !== undefined && (secret === undefined || secret.metadata.uid !== textAt(bound, "uid")))
        throw new ApiError(
          409,
          "Conflict",
          `the Secret ${textAt(bound, "name")} a token is to be bound to is not there, or another one`,
        );
      const audiences = listAt(request, "spec", "audiences");
      const issued = Math.floor(Date.now() / 1000);
      const expires = issued + lifetimeSeconds;
      const claims = {
        aud: audiences.length === 0 ? [ownAudience] : audiences,
        exp: expires,
        iat: issued,
        nbf: issued,
        iss: ownAudience,
        jti: randomBytes(8).toString("hex"),
        sub: `system:serviceaccount:${namespace}:${account}`,
        "kubernetes.io": {
          namespace,
          serviceaccount: { name: account, uid: found.metadata.uid },
          ...(secret === undefined ? {} : { secret: { name: secret.metadata.name, uid: secret.metadata.uid } }),
        },
      };
      const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
      return { token: `${text}.${signText(text)}`, expirationTimestamp: new Date(expires * 1000).toISOString() };
    },
  };
}

function requireKind(kinds: KindTable, resource: string): ServedKind {
  const kind = kinds.find("", resource);
  if (kind === undefined) throw new Error(`a cluster without ${resource}`);
  return kind;
}
