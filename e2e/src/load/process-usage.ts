import { readFile } from "node:fs/promises";

/** What a process and its children that have ended used until now. */
export interface ProcessUsage {
  /** In seconds of one core, in user space and in the kernel. */
  cpuSeconds: number;
  /** Resident memory now, of the process alone. */
  memoryBytes: number;
}

/** Of `sysconf(_SC_CLK_TCK)`: a hundred on every Linux that Node runs on. */
const ticksPerSecond = 100;
const pageBytes = 4_096;

/** Reads /proc/PID/stat (proc(5)): fields 14 to 17 are times, 24 is resident memory in pages. */
export async function readUsage(pid: number): Promise<ProcessUsage> {
  const text = await readFile(`/proc/${pid}/stat`, "utf8");
  // The second field is a name in parentheses, which may hold anything.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number);
  const at = (field: number): number => fields[field - 3] ?? Number.NaN;
  return {
    cpuSeconds: (at(14) + at(15) + at(16) + at(17)) / ticksPerSecond,
    memoryBytes: at(24) * pageBytes,
  };
}
