import { lstat, readlink, stat } from "node:fs/promises";
import type { MachineCheck } from "./tool-checks.ts";

/**
 * Whether there is a resolv.conf that a fleet's processes can be shown another one in place of. A missing one is not made: it
 * would stay behind on the machine.
 * @param file the machine's /etc/resolv.conf
 */
export async function checkResolver(file: string): Promise<MachineCheck> {
  const found = await describeFile(file);
  return {
    name: "resolv.conf",
    required: true,
    ok: found.ok,
    found: found.text,
    needed: `the file ${file}, or a link to one`,
    help: `Make it: echo "nameserver ADDRESS" > ${file} (remove a link that points to nothing first), or start what should keep it, such as systemd-resolved.`,
  };
}

async function describeFile(file: string): Promise<{ ok: boolean; text: string }> {
  const target = await stat(file).catch(() => undefined);
  if (target !== undefined) {
    const ok = target.isFile();
    return { ok, text: ok ? file : `${file} is no file` };
  }
  const link = await lstat(file).catch(() => undefined);
  if (link?.isSymbolicLink() !== true) return { ok: false, text: `${file} is missing` };
  return { ok: false, text: `${file} points to ${await readlink(file)}, which is not there` };
}
