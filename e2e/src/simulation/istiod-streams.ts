import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { asTlsSocket } from "./api-server.ts";
import type { Istiod } from "./istiod.ts";
import { createFrameReader, readFields, readText, writeField, writeFrame } from "./wire.ts";

const unauthenticated = 16;
const unimplemented = 12;
/** Names of what each proxy gets, by the end of their type. */
const resourceNames: Record<string, string[]> = {
  Cluster: ["BlackHoleCluster", "InboundPassthroughCluster", "PassthroughCluster"],
  Listener: ["virtualOutbound", "virtualInbound"],
};

/** Answers one gRPC call of a proxy. */
export function answerStream(istiod: Istiod, stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
  stream.on("error", () => undefined);
  switch (headers[":path"]) {
    case "/istio.v1.auth.IstioCertificateService/CreateCertificate":
      answerCertificate(istiod, stream, headers.authorization ?? "");
      return;
    case "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources":
      answerDiscovery(istiod, stream);
      return;
    default:
      refuse(stream, unimplemented, "unknown service");
  }
}

const responseHeaders = { ":status": 200, "content-type": "application/grpc" };

function refuse(stream: ServerHttp2Stream, code: number, message: string): void {
  stream.respond({ ...responseHeaders, "grpc-status": String(code), "grpc-message": message }, { endStream: true });
}

function answerCertificate(istiod: Istiod, stream: ServerHttp2Stream, authorization: string): void {
  const readFrames = createFrameReader();
  stream.on("data", (chunk: Buffer) => {
    for (const message of readFrames(chunk)) {
      const request = readFields(message);
      istiod
        .signCertificate(readText(request, 1), Number(readText(request, 3)), authorization.replace(/^Bearer /, ""))
        .then((chain) => {
          if (stream.destroyed) return undefined;
          stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
          stream.respond(responseHeaders, { waitForTrailers: true });
          stream.end(writeFrame(Buffer.concat(chain.map((certificate) => writeField(1, certificate)))));
          return undefined;
        })
        .catch((error: unknown) => {
          if (!stream.destroyed) refuse(stream, unauthenticated, error instanceof Error ? error.message : "");
        });
    }
  });
}

function answerDiscovery(istiod: Istiod, stream: ServerHttp2Stream): void {
  if (stream.session === undefined || !asTlsSocket(stream.session).authorized) {
    refuse(stream, unauthenticated, "a proxy shows a certificate of the mesh");
    return;
  }
  const { podName, version } = istiod.settings;
  const identifier = JSON.stringify({ Component: "istiod", ID: podName, Info: { version } });
  const readFrames = createFrameReader();
  let nonce = 0;
  stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
  stream.respond(responseHeaders, { waitForTrailers: true });
  stream.on("data", (chunk: Buffer) => {
    for (const message of readFrames(chunk)) {
      const request = readFields(message);
      const typeUrl = readText(request, 4);
      // With a nonce it acknowledges what was sent.
      if (readText(request, 5) !== "") continue;
      nonce += 1;
      const names = resourceNames[typeUrl.slice(typeUrl.lastIndexOf(".") + 1)] ?? [];
      const response = Buffer.concat([
        writeField(1, "simulated-1"),
        ...names.map((name) =>
          writeField(2, Buffer.concat([writeField(1, typeUrl), writeField(2, writeField(1, name))])),
        ),
        writeField(4, typeUrl),
        writeField(5, String(nonce)),
        writeField(6, writeField(1, identifier)),
      ]);
      stream.write(writeFrame(response));
    }
  });
  stream.on("end", () => stream.end());
}
