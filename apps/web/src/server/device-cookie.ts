import { createHash, randomUUID } from "node:crypto";
import { decode, encode } from "next-auth/jwt";
import { z } from "zod";
import { findCookie, isSecure, type SessionSettings } from "./session-cookie.ts";

/** Half a year, in seconds. */
const lifetimeSeconds = 180 * 24 * 3_600;

/** Keeps what is sealed here from being taken for a session, and the other way round. */
const salt = "device";
const tokenSchema = z.object({ device: z.uuid(), address: z.string() });

const nameCookie = (settings: SessionSettings): string => `${isSecure(settings) ? "__Host-" : ""}pilothouse-device`;
const hide = (email: string): string => createHash("sha256").update(email).digest("base64url");

/**
 * The browser that a Cookie header is of, when the person with this address has signed in with it before. It lets nobody in: tries in it are only
 * counted apart from those of strangers, so that these can't keep the person out.
 */
export async function readDevice(
  header: string | null,
  email: string,
  settings: SessionSettings,
): Promise<string | undefined> {
  const cookie = findCookie(header, nameCookie(settings));
  if (cookie === undefined) return undefined;
  const token = await decode({ token: cookie, secret: settings.sessionSecret, salt }).catch(() => null);
  const { data } = tokenSchema.safeParse(token);
  return data?.address === hide(email) ? data.device : undefined;
}

/** A Set-Cookie by which the browser of somebody who has just signed in is known again. */
export async function makeDeviceCookie(email: string, settings: SessionSettings): Promise<string> {
  const token = await encode({
    token: { device: randomUUID(), address: hide(email) },
    secret: settings.sessionSecret,
    maxAge: lifetimeSeconds,
    salt,
  });
  const secure = isSecure(settings) ? "; Secure" : "";
  return `${nameCookie(settings)}=${token}; Path=/; Max-Age=${lifetimeSeconds}; HttpOnly; SameSite=Strict${secure}`;
}
