import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface HttpServer {
  port: number;
  stop: () => Promise<void>;
}

/** What the server asks. A text says what is wrong; undefined that nothing is. */
export interface HttpAnswers {
  /** Whether this process should be ended and started anew. */
  findLivenessProblem: () => string | undefined;
  /** Whether this process does its work now. */
  findReadinessProblem: () => string | undefined;
  readMetrics: () => Promise<{ contentType: string; text: string }>;
}

/** Asks `answers` anew each time. Serves /livez, /readyz and /metrics. No secrets are behind it; whoever reaches the port may read. */
export async function startHttpServer(
  { host, port }: { host: string; port: number },
  answers: HttpAnswers,
): Promise<HttpServer> {
  const server = createServer((request, response) => {
    const answer = (status: number, text: string, contentType = "text/plain; charset=utf-8"): void => {
      response.writeHead(status, { "content-type": contentType, "cache-control": "no-store" });
      response.end(text);
    };
    const answerHealth = (problem: string | undefined): void =>
      problem === undefined ? answer(200, "ok\n") : answer(503, `${problem}\n`);
    switch (request.method === "GET" ? request.url : undefined) {
      case "/livez":
        return answerHealth(answers.findLivenessProblem());
      case "/readyz":
        return answerHealth(answers.findReadinessProblem());
      case "/metrics":
        void answers.readMetrics().then(
          ({ contentType, text }) => answer(200, text, contentType),
          () => answer(503, "metrics could not be read\n"),
        );
        return undefined;
      default:
        return answer(404, "not found\n");
    }
  });
  server.requestTimeout = 10_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a server that listens on a port has an address of this form
    port: (server.address() as AddressInfo).port,
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}
