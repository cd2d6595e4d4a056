import { afterEach, expect, test, vi } from "vitest";
import { clusterProvisioner } from "./provisioner.ts";

afterEach(() => vi.useRealTimers());

const dayMs = 86_400_000;

test("a health check that is kept for months still asks the cluster", async () => {
  vi.useFakeTimers({ toFake: ["performance", "Date"] });
  const check = clusterProvisioner.openHealthCheck({
    name: "i-a",
    line: "1.32",
    edgeAddresses: [],
    // Nothing listens there: what is said of it shows that it was asked.
    access: { server: "https://127.0.0.1:1", credential: { token: "a-token" } },
  });
  const ask = () => check.check(2_000).catch((error: unknown) => String(error));
  const first = await ask();
  expect(first).toContain("127.0.0.1:1");
  for (const days of [1, 29]) {
    vi.advanceTimersByTime(days * dayMs);
    expect(await ask()).toBe(first);
  }
  await check.close();
});
