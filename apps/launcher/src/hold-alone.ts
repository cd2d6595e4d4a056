import { once } from "node:events";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What one process at a time does for an installation. */
export type Role = "change" | "keeper";

/**
 * Takes a role that only one process can have: a socket in Linux's abstract namespace, which the kernel takes away with the process, so that
 * nothing stale is ever left. It is held until this process ends.
 * @param mark of the installation
 * @returns whether it was free; with `patienceMs`, whether it became free in that time
 */
export async function holdAlone(role: Role, mark: string, patienceMs = 0): Promise<boolean> {
  const deadlineMs = performance.now() + patienceMs;
  for (;;) {
    const server = createServer((socket) => socket.destroy());
    try {
      server.listen(`\0pilothouse/${mark}/${role}`);
      await once(server, "listening");
      server.unref();
      return true;
    } catch {
      if (performance.now() >= deadlineMs) return false;
      await sleep(100);
    }
  }
}
