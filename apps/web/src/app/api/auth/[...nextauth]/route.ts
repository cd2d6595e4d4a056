import nextAuth from "next-auth";
import type { NextRequest } from "next/server";
import { getService } from "#server/service.ts";
import { createAuthOptions } from "#server/sign-in.ts";

interface Context {
  params: Promise<{ nextauth: string[] }>;
}

/** next-auth's own paths: its CSRF token, signing in and out. */
async function answer(request: NextRequest, context: Context): Promise<Response> {
  const options = createAuthOptions(getService());
  // Its types know parameters that are there at once, as in older versions of Next; it waits for them.
  const response: unknown = await nextAuth(request, { params: await context.params }, options);
  if (response instanceof Response) return response;
  throw new Error("next-auth answered no Response");
}

export { answer as GET, answer as POST };
