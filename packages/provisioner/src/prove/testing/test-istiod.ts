import {
  Metadata,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type sendUnaryData,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { onTestFinished } from "vitest";
import { z } from "zod";
import { findMethod } from "../protos.ts";
import { createTestRoot, type TestAuthority } from "./test-mesh.ts";

export const testHostname = "r5.mesh.test";

/** How a status of gRPC is answered. */
export interface TestStatus {
  code: number;
  details: string;
}

export interface TestCertificateRequest {
  csr: string;
  validityDuration: number;
  authorization: string;
}

export interface TestDiscoveryRequest {
  typeUrl: string;
  versionInfo: string;
  responseNonce: string;
  node?: { id: string; metadata: Record<string, string> };
  error?: string;
}

export interface TestDiscoveryResponse {
  typeUrl: string;
  versionInfo: string;
  nonce: string;
  resources: { type_url: string; value: Buffer }[];
  controlPlane?: { identifier: string };
}

/** The server's side of an ADS stream. */
export interface TestStream {
  send(response: TestDiscoveryResponse): void;
  end(status?: TestStatus): void;
}

export interface TestIstiodBehaviour {
  /** A chain of certificates, a status, or undefined: never an answer. */
  sign?(request: TestCertificateRequest): Promise<string[] | TestStatus | undefined>;
  onDiscovery?(request: TestDiscoveryRequest, stream: TestStream, all: TestDiscoveryRequest[]): void;
}

export interface TestIstiod {
  port: number;
  root: TestAuthority;
  /** Names in the certificates that clients presented when they opened a stream. */
  clientNames: string[];
}

/** A gRPC server (grpc-js, TLS) with istiod's two services, that behaves as it is told. */
export async function startIstiod(
  behaviour: TestIstiodBehaviour,
  options: { root?: TestAuthority; hostname?: string; requireClientCertificate?: boolean } = {},
): Promise<TestIstiod> {
  const root = options.root ?? (await createTestRoot());
  const { certificate, key } = await root.issueServer(options.hostname ?? testHostname);
  const clientNames: string[] = [];
  const server = new Server();
  serve(server, "istio.v1.auth.IstioCertificateService", "CreateCertificate", {
    CreateCertificate: (call: ServerUnaryCall<unknown, unknown>, callback: sendUnaryData<unknown>) => {
      void answerCertificate(behaviour, call, callback);
    },
  });
  serve(server, "envoy.service.discovery.v3.AggregatedDiscoveryService", "StreamAggregatedResources", {
    StreamAggregatedResources: (stream: ServerDuplexStream<unknown, unknown>) => {
      clientNames.push(stream.getAuthContext().sslPeerCertificate?.subjectaltname ?? "");
      answerDiscovery(behaviour, stream);
    },
  });
  const credentials = ServerCredentials.createSsl(
    Buffer.from(root.certificate),
    [{ cert_chain: Buffer.from(certificate), private_key: Buffer.from(key) }],
    options.requireClientCertificate ?? false,
  );
  const bound = Promise.withResolvers<number>();
  server.bindAsync("127.0.0.1:0", credentials, (error, port) =>
    error === null ? bound.resolve(port) : bound.reject(error),
  );
  const port = await bound.promise;
  onTestFinished(() => server.forceShutdown());
  return { port, root, clientNames };
}

function serve(server: Server, service: string, method: string, implementation: UntypedServiceImplementation): void {
  server.addService({ [method]: findMethod(service, method) }, implementation);
}

const certificateRequest = z.object({ csr: z.string(), validityDuration: z.number() });

async function answerCertificate(
  behaviour: TestIstiodBehaviour,
  call: ServerUnaryCall<unknown, unknown>,
  callback: sendUnaryData<unknown>,
): Promise<void> {
  const authorization = String(call.metadata.get("authorization")[0] ?? "");
  const answer = await behaviour.sign?.({ ...certificateRequest.parse(call.request), authorization });
  if (answer === undefined) return;
  if (Array.isArray(answer)) callback(null, { certChain: answer });
  else callback({ ...answer, metadata: new Metadata() });
}

const discoveryRequest = z.object({
  typeUrl: z.string(),
  versionInfo: z.string(),
  responseNonce: z.string(),
  node: z
    .object({
      id: z.string(),
      metadata: z.object({ fields: z.record(z.string(), z.object({ stringValue: z.string() })) }),
    })
    .nullable(),
  errorDetail: z.object({ message: z.string() }).nullable(),
});

function answerDiscovery(behaviour: TestIstiodBehaviour, call: ServerDuplexStream<unknown, unknown>): void {
  const all: TestDiscoveryRequest[] = [];
  const stream: TestStream = {
    send: (response) => call.write(response),
    end: (status) => {
      if (status === undefined) call.end();
      else call.emit("error", { ...status, metadata: new Metadata() });
    },
  };
  call.on("error", () => {});
  call.on("end", () => call.end());
  call.on("data", (raw: unknown) => {
    const { node, errorDetail, ...rest } = discoveryRequest.parse(raw);
    const request = {
      ...rest,
      ...(node === null
        ? {}
        : {
            node: {
              id: node.id,
              metadata: Object.fromEntries(
                Object.entries(node.metadata.fields).map(([name, value]) => [name, value.stringValue]),
              ),
            },
          }),
      ...(errorDetail === null ? {} : { error: errorDetail.message }),
    };
    all.push(request);
    behaviour.onDiscovery?.(request, stream, all);
  });
}

/** A resource whose only content is its name. */
export function createResource(typeUrl: string, name: string): { type_url: string; value: Buffer } {
  const bytes = Buffer.from(name);
  return { type_url: typeUrl, value: Buffer.concat([Buffer.from([0x0a, bytes.length]), bytes]) };
}
