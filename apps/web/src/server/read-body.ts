import { DomainError } from "@pilothouse/core";

/** Longest body, in bytes: a kubeconfig with its certificates, and room for what is around it. */
export const bodyLimitBytes = 256 * 1024;

/**
 * Reads a JSON body.
 * @throws DomainError UnsupportedMediaType, PayloadTooLarge, or MalformedRequest; none of them repeats what was sent
 */
export async function readJsonBody(request: Request): Promise<unknown> {
  checkMediaType(request.headers);
  const bytes = await readBytes(request, bodyLimitBytes);
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

/** Longest form of next-auth's, in bytes: an address, a password, and its own token. */
const formLimitBytes = 16 * 1024;

/**
 * Reads a form's text.
 * @throws DomainError UnsupportedMediaType, PayloadTooLarge, or MalformedRequest
 */
export async function readForm(request: Request): Promise<string> {
  if (!/^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers.get("content-type") ?? "")) {
    throw new DomainError("UnsupportedMediaType", "Send the form as application/x-www-form-urlencoded.", {
      parameter: "Content-Type",
    });
  }
  return new TextDecoder().decode(await readBytes(request, formLimitBytes));
}

async function readBytes(request: Request, limitBytes: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > limitBytes) throw tooLarge(limitBytes);
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
    if (length > limitBytes) {
      // The rest is not waited for.
      void reader.cancel().catch(() => {});
      throw tooLarge(limitBytes);
    }
    pieces.push(value);
  }
}

function tooLarge(limitBytes: number): DomainError {
  return new DomainError("PayloadTooLarge", `The body is longer than ${limitBytes} bytes.`);
}
