import { DomainError } from "@pilothouse/core";

/** Longest body, in bytes: a kubeconfig with its certificates, and room for what is around it. */
export const bodyLimitBytes = 256 * 1024;

/**
 * Reads a JSON body.
 * @throws DomainError UnsupportedMediaType, PayloadTooLarge, or MalformedRequest; none of them repeats what was sent
 */
export async function readJsonBody(request: Request): Promise<unknown> {
  checkMediaType(request.headers);
  const bytes = await readBytes(request);
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new DomainError(
      "MalformedRequest",
      bytes.byteLength === 0 ? "The body is empty; send a JSON object." : "The body is not JSON in UTF-8.",
    );
  }
}

function checkMediaType(headers: Headers): void {
  const type = headers.get("content-type") ?? "";
  if (!/^application\/json\s*(;\s*charset\s*=\s*"?utf-8"?\s*)?$/i.test(type)) {
    throw new DomainError("UnsupportedMediaType", "Send the body with Content-Type: application/json.", {
      parameter: "Content-Type",
    });
  }
  if (!/^(identity)?$/i.test(headers.get("content-encoding") ?? "")) {
    throw new DomainError("UnsupportedMediaType", "Send the body as it is, without Content-Encoding.", {
      parameter: "Content-Encoding",
    });
  }
}

async function readBytes(request: Request): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bodyLimitBytes) throw tooLarge();
  const pieces: Uint8Array[] = [];
  let length = 0;
  if (request.body === null) return new Uint8Array();
  const reader = request.body.getReader();
  for (;;) {
    const { done, value } = await reader.read().catch((error: unknown) => {
      throw new DomainError("MalformedRequest", "The body broke off before its end. Send the request again.", {
        cause: error,
      });
    });
    if (done) return Buffer.concat(pieces);
    length += value.byteLength;
    if (length > bodyLimitBytes) {
      // The rest is not waited for.
      void reader.cancel().catch(() => {});
      throw tooLarge();
    }
    pieces.push(value);
  }
}

function tooLarge(): DomainError {
  return new DomainError("PayloadTooLarge", `The body is longer than ${bodyLimitBytes} bytes.`);
}
