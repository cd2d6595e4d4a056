import { getService } from "./service.ts";

/** Longest wait for the database, in milliseconds: a probe asks again anyway. */
const limitMs = 2_000;

/** Tells whether this process can serve requests, and why not. */
export async function checkReadiness(): Promise<{ ready: boolean; reason?: string }> {
  const service = getService();
  if (service.streams.isClosing()) return { ready: false, reason: "shutting down" };
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error("no answer in time"));
    }, limitMs);
  });
  try {
    await Promise.race([service.database.$queryRaw`SELECT 1`, late]);
    return { ready: true };
  } catch {
    return { ready: false, reason: "the database does not answer" };
  } finally {
    clearTimeout(timer);
  }
}
