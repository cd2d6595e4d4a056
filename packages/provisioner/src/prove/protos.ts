import { fileURLToPath } from "node:url";
import {
  loadSync,
  type MessageTypeDefinition,
  type MethodDefinition,
  type ServiceDefinition,
} from "@grpc/proto-loader";
import { z } from "zod";

const definitions = loadSync(["certificate-authority.proto", "discovery.proto"], {
  includeDirs: [fileURLToPath(new URL("./protos", import.meta.url))],
  longs: Number,
  defaults: true,
  arrays: true,
});

/** A gRPC method: its path, and both messages as bytes. */
export interface GrpcMethod<Request extends object, Response> {
  path: string;
  encodeRequest(request: Request): Buffer;
  /** Throws when the bytes are not such a message. */
  decodeResponse(bytes: Buffer): Response;
}

interface StringStruct {
  fields: Record<string, { stringValue: string }>;
}

export interface CertificateRequest {
  /** PKCS#10, PEM. */
  csr: string;
  /** In seconds. */
  validityDuration: number;
}

export interface DiscoveryNode {
  id: string;
  cluster: string;
  metadata: StringStruct;
}

export interface DiscoveryRequest {
  versionInfo?: string;
  node?: DiscoveryNode;
  resourceNames?: string[];
  typeUrl: string;
  responseNonce?: string;
  errorDetail?: { code: number; message: string };
}

const certificateResponse = z.object({ certChain: z.array(z.string()) });

const discoveryResponse = z.object({
  versionInfo: z.string(),
  typeUrl: z.string(),
  nonce: z.string(),
  resources: z
    .array(z.object({ type_url: z.string(), value: z.instanceof(Uint8Array) }))
    .transform((all) => all.map(({ type_url, value }) => ({ typeUrl: type_url, value }))),
  controlPlane: z.object({ identifier: z.string() }).nullable(),
});

/** A decoded response, its resources still as bytes. */
export type RawDiscoveryResponse = z.infer<typeof discoveryResponse>;

/** Istio's certificate service. */
export const createCertificate = defineMethod<CertificateRequest, z.infer<typeof certificateResponse>>(
  "istio.v1.auth.IstioCertificateService",
  "CreateCertificate",
  certificateResponse,
);

/** State-of-the-world ADS. */
export const streamAggregatedResources = defineMethod<DiscoveryRequest, RawDiscoveryResponse>(
  "envoy.service.discovery.v3.AggregatedDiscoveryService",
  "StreamAggregatedResources",
  discoveryResponse,
);

const namedResource = findMessage("envoy.service.discovery.v3.NamedResource");
const named = z.object({ name: z.string() });

/** The name of a Cluster or Listener: both have it in field 1. Throws when the bytes are not a message. */
export function decodeResourceName(value: Uint8Array): string {
  return named.parse(namedResource.deserialize(Buffer.from(value.buffer, value.byteOffset, value.byteLength))).name;
}

function defineMethod<Request extends object, Response>(
  service: string,
  name: string,
  response: z.ZodType<Response>,
): GrpcMethod<Request, Response> {
  const method = findMethod(service, name);
  return {
    path: method.path,
    encodeRequest: (request) => method.requestSerialize(request),
    decodeResponse: (bytes) => response.parse(method.responseDeserialize(bytes)),
  };
}

/** The method's definition as proto-loader has it: what a gRPC server needs. */
export function findMethod(service: string, name: string): MethodDefinition<object, object> {
  const definition = definitions[service];
  if (definition === undefined || !isService(definition)) throw new Error(`protos/ defines no ${service}`);
  const method = definition[name];
  if (method === undefined) throw new Error(`protos/ defines no ${service}/${name}`);
  return method;
}

function findMessage(name: string): MessageTypeDefinition<object, object> {
  const definition = definitions[name];
  if (definition === undefined || !isMessage(definition)) throw new Error(`protos/ defines no ${name}`);
  return definition;
}

/** Only messages and enumerations carry a format. */
function isService(definition: object): definition is ServiceDefinition {
  return !("format" in definition);
}

function isMessage(definition: object): definition is MessageTypeDefinition<object, object> {
  return "format" in definition && definition.format === "Protocol Buffer 3 DescriptorProto";
}
