import { decode } from "next-auth/jwt";
import { z } from "zod";

/** What of the service sessions need. */
export interface SessionSettings {
  /** Scheme, host and port of the portal as browsers see it. */
  origin: string;
  /** What cookies are sealed with. */
  sessionSecret: string;
}

const tokenSchema = z.object({ sessionId: z.uuid() });

/** Over https the browser itself sees to it that no other host sets the cookie. */
export const isSecure = ({ origin }: Pick<SessionSettings, "origin">): boolean => origin.startsWith("https://");

export const nameSessionCookie = (settings: Pick<SessionSettings, "origin">): string =>
  `${isSecure(settings) ? "__Host-" : ""}pilothouse-session`;

/** A cookie's value in a Cookie header. */
export function findCookie(header: string | null, name: string): string | undefined {
  const start = `${name}=`;
  return (header ?? "")
    .split(";")
    .map((part) => part.trim())
    .find((part) => part.startsWith(start))
    ?.slice(start.length);
}

/** Id of the session in a Cookie header; undefined when there is none, or one that was not sealed here. */
export async function readSessionId(header: string | null, settings: SessionSettings): Promise<string | undefined> {
  const cookie = findCookie(header, nameSessionCookie(settings));
  if (cookie === undefined) return undefined;
  const token = await decode({ token: cookie, secret: settings.sessionSecret }).catch(() => null);
  const parsed = tokenSchema.safeParse(token);
  return parsed.success ? parsed.data.sessionId : undefined;
}
