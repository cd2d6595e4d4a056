"use client";
import { type AnyOperation, type CallInput, type Client, createClient, type SuccessBody } from "@pilothouse/contract";

let client: Client | undefined;

/** The typed client that everybody uses, with this page's own origin and session. */
export function getClient(): Client {
  client ??= createClient({ baseUrl: globalThis.location.origin });
  return client;
}

/**
 * Calls one operation and answers its body.
 * @throws ProblemError or ConnectionError, whose messages are for people
 */
export async function call<Operation extends AnyOperation>(
  operation: Operation,
  input: CallInput<Operation>,
): Promise<SuccessBody<Operation>> {
  const { body } = await getClient().call(operation, input);
  return body;
}
