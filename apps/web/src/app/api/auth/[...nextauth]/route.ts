import nextAuth from "next-auth";
import { getService } from "#server/service.ts";
import { createAuthOptions } from "#server/sign-in.ts";

interface Context {
  params: Promise<{ nextauth: string[] }>;
}

/** next-auth's own paths: its CSRF token, signing in and out. */
async function answer(request: Request, context: Context): Promise<Response> {
  // oxlint-disable-next-line typescript/no-unsafe-assignment, typescript/no-unsafe-call -- next-auth's types do not know this form, that its documentation names
  const response: unknown = await nextAuth(request, context, createAuthOptions(getService()));
  if (response instanceof Response) return response;
  throw new Error("next-auth answered no Response");
}

export { answer as GET, answer as POST };
