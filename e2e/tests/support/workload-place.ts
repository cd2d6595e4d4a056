import { execFile, spawn } from "node:child_process";
import { existsSync, openSync, closeSync } from "node:fs";
import { mkdir, readFile, readdir, rm, rmdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { z } from "zod";
import { readTestGround } from "./test-fleet.ts";
import { waitFor } from "./wait-for.ts";

/** Begins the names of the cgroups of workloads, beside those of the fleet's own parts. */
const groupPrefix = "workload.";

const runFile = promisify(execFile);

/** What a pod has: a network namespace with one address, and a folder. Its processes end with `closeWorkloads` or with the fleet. */
export interface WorkloadPlace {
  name: string;
  /** Reached from the host, from the fleet's clusters, and from other places. */
  address: string;
  folder: string;
  /** Process that keeps the network namespace. */
  pid: number;
  /** Starts a program in the place; its output goes to `<program>.log` in the folder. It resolves names as the fleet does. */
  start(program: string, command: [string, ...string[]], environment?: Record<string, string>): void;
  /** What a program has written so far. */
  readLog(program: string): Promise<string>;
}

/** The unified cgroup folder in which each part of the shared fleet has its own. */
async function findPartsGroup(backbonePid: number): Promise<string> {
  const mounts = await readFile("/proc/self/mounts", "utf8");
  const unified = mounts.split("\n").find((line) => line.split(" ")[2] === "cgroup2");
  const groups = await readFile(`/proc/${backbonePid}/cgroup`, "utf8");
  const own = groups.split("\n").find((line) => line.startsWith("0::"));
  const mountPoint = unified?.split(" ")[1];
  if (mountPoint === undefined || own === undefined)
    throw new Error("the fleet's backbone is in no cgroup of version 2");
  return dirname(join(mountPoint, own.slice("0::".length)));
}

async function findBackbone(): Promise<number> {
  const { status } = await readTestGround();
  if (status.backbonePid === undefined) throw new Error("the fleet's backbone does not run");
  return status.backbonePid;
}

/** Ends everything in a cgroup at once and removes it. */
async function killGroup(folder: string): Promise<void> {
  await writeFile(join(folder, "cgroup.kill"), "1");
  const isEmpty = async (): Promise<boolean> =>
    (await readFile(join(folder, "cgroup.events"), "utf8")).includes("populated 0");
  await waitFor(`the end of all processes in ${folder}`, isEmpty, 10_000);
  await rmdir(folder);
}

/** Ends every workload in the shared fleet, also those of a run that was killed, and removes their folders. */
export async function closeWorkloads(): Promise<void> {
  const { status } = await readTestGround();
  const parts = await findPartsGroup(await findBackbone());
  const groups = (await readdir(parts)).filter((group) => group.startsWith(groupPrefix));
  await Promise.all(groups.map((group) => killGroup(join(parts, group))));
  await rm(join(status.folder, "workloads"), { recursive: true, force: true });
}

/** Spawns a program detached, inside a cgroup from its first moment. Answers its process id. */
function spawnInGroup(group: string, command: string[], logFile: string, environment: Record<string, string>): number {
  const output = openSync(logFile, "a", 0o600);
  try {
    const child = spawn("/bin/sh", ["-c", 'echo $$ > "$0/cgroup.procs" && exec "$@"', group, ...command], {
      detached: true,
      stdio: ["ignore", output, output],
      env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", ...environment },
      cwd: "/",
    });
    if (child.pid === undefined) throw new Error("/bin/sh could not be started");
    child.unref();
    return child.pid;
  } finally {
    closeSync(output);
  }
}

/** Opens a network namespace, with the mounts (and so the resolv.conf) of the fleet's backbone, and waits until it is there. */
async function openNamespace(backbone: number, group: string, folder: string): Promise<number> {
  const mark = join(folder, "open");
  const script = 'ip link set lo up && : > "$0" && exec sleep infinity';
  const command = [
    "nsenter",
    "--target",
    String(backbone),
    "--mount",
    "--",
    "unshare",
    "--net",
    "/bin/sh",
    "-c",
    script,
    mark,
  ];
  const pid = spawnInGroup(group, command, join(folder, "place.log"), {});
  await waitFor(`a network namespace, see ${folder}/place.log`, () => Promise.resolve(existsSync(mark)), 10_000);
  return pid;
}

const LinksSchema = z.array(z.object({ ifname: z.string() }));

/** Joins a network namespace to the backbone, which routes to everything else. */
async function joinBackbone(
  backbone: number,
  pid: number,
  link: string,
  gateway: string,
  address: string,
): Promise<void> {
  const enter = (target: number): string[] => ["--target", String(target), "--net", "--", "ip"];
  const inBackbone = async (...words: string[]): Promise<void> =>
    void (await runFile("nsenter", [...enter(backbone), ...words]));
  const inPlace = async (...words: string[]): Promise<void> =>
    void (await runFile("nsenter", [...enter(pid), ...words]));
  const { stdout } = await runFile("nsenter", [...enter(backbone), "-json", "link", "show"]);
  // The kernel removes a link some time after the namespace of its other end.
  if (LinksSchema.parse(JSON.parse(stdout)).some(({ ifname }) => ifname === link)) {
    await inBackbone("link", "delete", link).catch(() => undefined);
  }
  await inBackbone("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", String(pid));
  await inBackbone("address", "add", `${gateway}/30`, "dev", link);
  await inBackbone("link", "set", link, "up");
  await inPlace("address", "add", `${address}/30`, "dev", "eth0");
  await inPlace("link", "set", "eth0", "up");
  await inPlace("route", "add", "default", "via", gateway);
}

/**
 * Opens a place for a workload in the shared fleet's network.
 * @param index 0 to 63: which addresses of 10.x.200.0/24 it takes, a part of the fleet's range that the fleet itself leaves free
 */
export async function openWorkloadPlace(name: string, index: number): Promise<WorkloadPlace> {
  const { status } = await readTestGround();
  const backbone = await findBackbone();
  const folder = join(status.folder, "workloads", name);
  const group = join(await findPartsGroup(backbone), `${groupPrefix}${name}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await mkdir(group);
  const pid = await openNamespace(backbone, group, folder);
  const base = status.network.cidr.split(".").slice(0, 2).join(".");
  const address = `${base}.200.${index * 4 + 2}`;
  await joinBackbone(backbone, pid, `workload${index}`, `${base}.200.${index * 4 + 1}`, address);
  const logOf = (program: string): string => join(folder, `${program}.log`);
  return {
    name,
    address,
    folder,
    pid,
    start(program, command, environment = {}) {
      // Entering a mount namespace leads to its root folder.
      const inFolder = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', folder];
      const entered = ["nsenter", "--target", String(pid), "--net", "--mount", "--", ...inFolder, ...command];
      spawnInGroup(group, entered, logOf(program), environment);
    },
    readLog: (program) => readFile(logOf(program), "utf8").catch(() => ""),
  };
}
