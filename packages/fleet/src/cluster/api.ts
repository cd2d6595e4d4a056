import { readFile } from "node:fs/promises";
import { request as httpsRequest } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import { FleetError } from "../errors.ts";
import type { KeyPairFiles } from "../pki.ts";

/** A thin client of one API server, with an administrator's certificate. */
export interface ApiClient {
  /** GET; the parsed answer. Tried once. */
  get(path: string): Promise<unknown>;
  /** Server-side apply of an object at its path, tried again for a while where the server fails. */
  apply(path: string, object: unknown): Promise<void>;
  /** Whether /readyz answers 200. Never throws. */
  isReady(): Promise<boolean>;
}

/** How long a write is tried again while the server can't answer it, in milliseconds. */
const patienceMs = 45_000;

/** Makes a client from the files of a cluster's authority and of a certificate it signed. */
export async function createApiClient(server: string, authorityFile: string, leaf: KeyPairFiles): Promise<ApiClient> {
  const [ca, cert, key] = await Promise.all([
    readFile(authorityFile),
    readFile(leaf.certificateFile),
    readFile(leaf.keyFile),
  ]);
  const call = (method: string, path: string, body?: string): Promise<{ status: number; text: string }> =>
    new Promise((resolve, reject) => {
      const outgoing = httpsRequest(
        new URL(path, server),
        {
          method,
          ca,
          cert,
          key,
          timeout: 5_000,
          headers: body === undefined ? {} : { "content-type": "application/apply-patch+yaml" },
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on("data", (chunk: Buffer) => chunks.push(chunk));
          response.on("error", reject);
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
          );
        },
      );
      outgoing.on("timeout", () => outgoing.destroy(new Error("no answer in 5 s")));
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  /** An API server that has just come back, or whose etcd has, fails calls for some seconds. */
  const expectSuccess = async (limitMs: number, method: string, path: string, body?: string): Promise<string> => {
    const endMs = performance.now() + limitMs;
    for (;;) {
      const answer = await call(method, path, body).catch((error: unknown) => ({
        status: 0,
        text: error instanceof Error ? error.message : String(error),
      }));
      if (answer.status >= 200 && answer.status < 300) return answer.text;
      const isPassing = answer.status === 0 || answer.status >= 500 || answer.status === 429;
      if (!isPassing || performance.now() > endMs) {
        throw new FleetError(
          `${method} ${server}${path}: ${answer.status === 0 ? "" : `${answer.status} `}${answer.text.slice(0, 500)}`,
        );
      }
      await sleep(300);
    }
  };
  return {
    async get(path) {
      const parsed: unknown = JSON.parse(await expectSuccess(0, "GET", path));
      return parsed;
    },
    async apply(path, object) {
      await expectSuccess(
        patienceMs,
        "PATCH",
        `${path}?fieldManager=pilothouse-fleet&force=true`,
        JSON.stringify(object),
      );
    },
    async isReady() {
      return call("GET", "/readyz").then(
        ({ status }) => status === 200,
        () => false,
      );
    },
  };
}
