import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { Server, ServerOptions } from "node:https";
import type { Server as TcpServer } from "node:net";
import { onTestFinished } from "vitest";
import type { IssuedCertificate } from "../kubeconfig/test-certificates.ts";

/** A request as it came in. */
export interface SeenRequest {
  method: string;
  url: string;
  body: unknown;
  authorization: string | undefined;
  contentType: string | undefined;
  accept: string | undefined;
}

export type Answer = (seen: SeenRequest, response: ServerResponse, request: IncomingMessage) => void;

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  await once(request, "end");
  const text = Buffer.concat(chunks).toString();
  return text === "" ? undefined : JSON.parse(text);
}

const apis: Record<string, unknown> = {
  "/api/v1": {
    resources: [
      { name: "namespaces", kind: "Namespace", namespaced: false },
      { name: "namespaces/status", kind: "Namespace", namespaced: false },
      { name: "configmaps", kind: "ConfigMap", namespaced: true },
      { name: "pods", kind: "Pod", namespaced: true },
      { name: "secrets", kind: "Secret", namespaced: true },
      { name: "serviceaccounts", kind: "ServiceAccount", namespaced: true },
      { name: "services", kind: "Service", namespaced: true },
    ],
  },
};

/** A server that speaks as much of the Kubernetes API as the test gives it; discovery it answers itself. */
export async function startTestServer(
  certificate: IssuedCertificate,
  answer: Answer,
  tls: ServerOptions = {},
): Promise<{ url: string; seen: SeenRequest[]; server: Server }> {
  const seen: SeenRequest[] = [];
  const server = createServer({ cert: certificate.certificate, key: certificate.key, ...tls }, (request, response) => {
    void readBody(request).then((body) => {
      const url = request.url ?? "";
      const entry = {
        method: request.method ?? "",
        url,
        body,
        authorization: request.headers.authorization,
        contentType: request.headers["content-type"],
        accept: request.headers.accept,
      };
      seen.push(entry);
      if (url in apis) respond(response, 200, apis[url]);
      else answer(entry, response, request);
      return undefined;
    });
  });
  return { url: await listenForTest(server), seen, server };
}

/** Lets a server listen on some loopback port until the test is finished, and answers its URL. */
export async function listenForTest(server: Server | TcpServer, scheme = "https"): Promise<string> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the server has no port");
  return `${scheme}://127.0.0.1:${address.port}`;
}

export function respond(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
