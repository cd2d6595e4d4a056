import { DomainError } from "@pilothouse/core";
import nextAuth from "next-auth";
import { NextRequest } from "next/server";
import { answerError, commonHeaders } from "./answer-problem.ts";
import { requireSameOrigin } from "./authenticate.ts";
import { makeDeviceCookie } from "./device-cookie.ts";
import { readForm } from "./read-body.ts";
import { readRequestId } from "./route.ts";
import { getService, type Service } from "./service.ts";
import { createAuthOptions } from "./sign-in.ts";

/** What the portal needs of next-auth. Its own pages, its look at the session and its log for browsers are not among it. */
const served = new Set(["GET csrf", "POST callback/credentials", "POST signout"]);

/** Answers next-auth's own paths: its token against forgery, signing in and out. */
export async function answerAuth(
  request: NextRequest,
  { params }: { params: Promise<{ nextauth: string[] }> },
): Promise<Response> {
  const requestId = readRequestId(request.headers);
  try {
    const { nextauth } = await params;
    if (!served.has(`${request.method} ${nextauth.join("/")}`))
      throw new DomainError("NotFound", "There is nothing at this path.");
    const service = getService();
    requireSameOrigin(request, service.origin);
    const response = await askNextAuth(request, nextauth, service, requestId);
    for (const [name, value] of Object.entries(commonHeaders(requestId))) response.headers.set(name, value);
    return response;
  } catch (error) {
    return answerError(error, { requestId });
  }
}

async function askNextAuth(
  request: NextRequest,
  nextauth: string[],
  service: Service,
  requestId: string,
): Promise<Response> {
  const { headers, method, url } = request;
  const signedIn: string[] = [];
  const options = createAuthOptions(service, {
    headers,
    requestId,
    onSignedIn: (email) => signedIn.push(email),
  });
  // Read here, so that it is no longer than it may be.
  const body = method === "POST" ? await readForm(request) : null;
  const response: unknown = await nextAuth(
    new NextRequest(url, { method, headers, body }),
    { params: { nextauth } },
    options,
  );
  if (!(response instanceof Response)) throw new Error("next-auth answered no Response");
  const [email] = signedIn;
  if (email !== undefined) response.headers.append("set-cookie", await makeDeviceCookie(email, service));
  return response;
}
