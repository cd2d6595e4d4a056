import { execFile } from "node:child_process";
import { readdir, readFile, readlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { z } from "zod";
import type { FleetParts } from "../../src/fleet.ts";
import { testFleet } from "./test-fleet.ts";

/** Everything of a machine that a fleet could leave behind, each as sorted lines. */
export interface MachineSnapshot {
  /** Processes of fleets, wherever they are. */
  processes: string[];
  /** Anybody's processes that live in another network or mount namespace than the test. */
  enclosedProcesses: string[];
  mounts: string[];
  networkNamespaces: string[];
  links: string[];
  routes: string[];
  packetFilter: string[];
  cgroups: string[];
  /** What the roots of version 2 hand on to the cgroups below. */
  rootControllers: string[];
  sysctls: string[];
  folders: string[];
}

const run = async (
  program: string,
  parameters: string[],
  environment: NodeJS.ProcessEnv = process.env,
): Promise<string[]> => {
  const { stdout } = await promisify(execFile)(program, parameters, { env: environment, maxBuffer: 64 * 1024 * 1024 });
  return stdout.split("\n").filter((line) => line !== "");
};

/** What a snapshot looks at. */
export interface SnapshotView {
  /** PILOTHOUSE_HOME of the fleets that it is about: whose command or environment names it is theirs. Without it anybody's processes count. */
  home?: string;
  /** A fleet that others work with at the same time: what belongs to it is left out. */
  neighbour?: string;
}

/** Whether a path is that of a cgroup of the neighbour, or, on a line of its own, lies below one. */
function isNeighbours(text: string, { neighbour }: SnapshotView): boolean {
  return neighbour !== undefined && new RegExp(`(^|/)pilothouse-${neighbour}-[0-9a-f]{8}(/|$)`, "m").test(text);
}

const readProcess = (pid: string, file: "cgroup" | "cmdline" | "environ"): Promise<string> =>
  readFile(`/proc/${pid}/${file}`, "utf8").catch(() => "");

const selectRows = async (rows: string[], check: (row: string) => Promise<boolean>): Promise<string[]> => {
  const isSelected = await Promise.all(rows.map(check));
  return rows.filter((_row, index) => isSelected[index]);
};

const pidOf = (row: string): string => row.split(" ")[0] ?? "";

/** Processes that are no threads of the kernel, not of the tree of this test or the run it is part of, and not the neighbour's, as `pid command`. */
async function listOthers(view: SnapshotView): Promise<string[]> {
  const rows = (await run("ps", ["-eo", "pid=,ppid=,comm="])).map((line) => {
    const [pid = "", parent = "", ...name] = line.trim().split(/\s+/);
    return { pid, parent, name: name.join(" ") };
  });
  const own = new Set([process.pid, process.ppid, process.env["PILOTHOUSE_TEST_RUN"]].map(String));
  for (let grew = true; grew;) {
    const size = own.size;
    for (const row of rows) if (own.has(row.parent)) own.add(row.pid);
    grew = own.size > size;
  }
  const others = rows
    .filter((row) => !own.has(row.pid) && row.parent !== "2" && row.pid !== "2")
    .map((row) => `${row.pid} ${row.name}`);
  return selectRows(others, async (row) => !isNeighbours(await readProcess(pidOf(row), "cgroup"), view));
}

/** Those that a fleet or its launcher has started: cgroup, command or environment says so. People's programs come and go. */
async function listProcesses(view: SnapshotView): Promise<string[]> {
  const { home } = view;
  if (home === undefined) return listOthers(view);
  return selectRows(await listOthers(view), async (row) => {
    const read = (file: "cgroup" | "cmdline" | "environ"): Promise<string> => readProcess(pidOf(row), file);
    const [cgroups, command, environment] = await Promise.all([read("cgroup"), read("cmdline"), read("environ")]);
    return cgroups.includes("/pilothouse-") || command.includes(home) || environment.includes(home);
  });
}

const readNamespace = (pid: string, kind: "net" | "mnt"): Promise<string> =>
  readlink(`/proc/${pid}/ns/${kind}`).catch(() => "");

async function listEnclosedProcesses(view: SnapshotView): Promise<string[]> {
  const own = await Promise.all([readNamespace("self", "net"), readNamespace("self", "mnt")]);
  return selectRows(await listOthers(view), async (row) => {
    const [net, mounts] = await Promise.all([readNamespace(pidOf(row), "net"), readNamespace(pidOf(row), "mnt")]);
    return net !== "" && (net !== own[0] || mounts !== own[1]);
  });
}

async function listNetworkNamespaces(view: SnapshotView): Promise<string[]> {
  const links = await Promise.all((await listOthers(view)).map((row) => readNamespace(pidOf(row), "net")));
  return [...new Set(links)].filter((link) => link !== "");
}

async function listCgroupRoots(type: RegExp): Promise<string[]> {
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  return mounts.filter(([, , found]) => type.test(found ?? "")).map(([, folder = ""]) => folder);
}

async function listCgroups(view: SnapshotView): Promise<string[]> {
  const roots = await listCgroupRoots(/^cgroup2?$/);
  // Those of pods come and go while they are looked at.
  const find = (folder: string): Promise<string[]> => run("find", [folder, "-ignore_readdir_race", "-type", "d"]);
  return (await Promise.all(roots.map(find))).flat().filter((folder) => !isNeighbours(folder, view));
}

async function listRootControllers(): Promise<string[]> {
  const files = (await listCgroupRoots(/^cgroup2$/)).map((root) => join(root, "cgroup.subtree_control"));
  return Promise.all(files.map(async (file) => `${file}=${(await readFile(file, "utf8")).trim()}`));
}

/** Values that change by themselves, on any machine. */
const restless =
  /\/(random\/|quota\/|pty\/nr|ns_last_pid|dentry-state|file-nr|inode-nr|inode-state|dentry-negative|nf_conntrack_count|aio-nr|.*\/conf\/pilothouse)/;

async function listSysctls(): Promise<string[]> {
  const files = (await run("find", ["/proc/sys", "-type", "f", "-perm", "-u=r"])).filter(
    (file) => !restless.test(file),
  );
  const lines = await Promise.all(
    files.map(async (file) => `${file}=${(await readFile(file, "utf8").catch(() => "")).trim()}`),
  );
  // Neighbour tables and per-link settings come and go with links, which are compared by themselves.
  return lines.filter((line) => !/\/net\/(ipv4|ipv6)\/(conf|neigh)\/pilothouse/.test(line));
}

const LinksSchema = z.array(z.object({ ifname: z.string(), ifalias: z.string().optional() }));

/** The host's links; those into fleets bear the name of the fleet's cgroup. */
async function listLinks(view: SnapshotView): Promise<{ links: string[]; neighbours: Set<string> }> {
  const all = LinksSchema.parse(JSON.parse((await run("ip", ["-json", "link", "show"])).join("\n")));
  const isTheirs = ({ ifalias = "" }: { ifalias?: string | undefined }): boolean => isNeighbours(ifalias, view);
  return {
    links: all.filter((link) => !isTheirs(link)).map(({ ifname }) => ifname),
    neighbours: new Set(all.filter(isTheirs).map(({ ifname }) => ifname)),
  };
}

async function listRoutes(neighbours: ReadonlySet<string>): Promise<string[]> {
  const questions = [["route"], ["rule"]].flatMap(([object = ""]) =>
    ["-4", "-6"].map((family) => [family, object, "show", ...(object === "route" ? ["table", "all"] : [])]),
  );
  // Times to live of learned routes count down.
  return (await Promise.all(questions.map((question) => run("ip", question))))
    .flat()
    .filter((line) => !neighbours.has(/ dev (\S+)/.exec(line)?.[1] ?? ""))
    .map((line) => line.replace(/ expires \S+/, ""));
}

/** Where container runtimes, CNI and the kubelet write by default. */
const suspectFolders = [
  "/var/log",
  "/var/log/containers",
  "/var/log/pods",
  "/var/lib/cni",
  "/var/lib/kubelet",
  "/var/lib/containerd",
  "/etc/cni",
  "/opt/cni",
  "/run",
  "/run/netns",
  "/run/containerd",
];

async function listFolders(): Promise<string[]> {
  const found = await Promise.all(
    suspectFolders.map(async (folder) => (await readdir(folder).catch(() => [])).map((name) => join(folder, name))),
  );
  const resolver = ["/etc/hosts", "/etc/resolv.conf"];
  const texts = await Promise.all(resolver.map(async (file) => `${file}: ${await readFile(file, "utf8")}`));
  return [...found.flat(), ...texts];
}

let partsOnce: Promise<FleetParts> | undefined;

/** Rules of IPv4 and IPv6, of both back ends that the fleet's iptables has. */
async function listPacketFilter(): Promise<string[]> {
  const parts = await (partsOnce ??= testFleet.readParts());
  const folder = dirname(parts.paths["iptables-save"] ?? "");
  const programs = ["iptables-save", "ip6tables-save", "iptables-legacy-save", "ip6tables-legacy-save"];
  const lines = await Promise.all(programs.map((program) => run(join(folder, program), [], parts.environment)));
  return lines
    .flat()
    .filter((line) => !line.startsWith("#"))
    .map((line) => line.replace(/\[\d+:\d+\]/, ""));
}

/** Takes a snapshot of this machine. No fleet needs to be up, but its parts are got if they are not there. */
export async function takeSnapshot(view: SnapshotView = {}): Promise<MachineSnapshot> {
  const sorted = async (lines: Promise<string[]>): Promise<string[]> => (await lines).toSorted();
  const { links, neighbours } = await listLinks(view);
  return {
    processes: await sorted(listProcesses(view)),
    enclosedProcesses: await sorted(listEnclosedProcesses(view)),
    mounts: await sorted(readFile("/proc/self/mounts", "utf8").then((text) => text.split("\n"))),
    networkNamespaces: await sorted(listNetworkNamespaces(view)),
    links: links.toSorted(),
    routes: await sorted(listRoutes(neighbours)),
    packetFilter: await sorted(listPacketFilter()),
    cgroups: await sorted(listCgroups(view)),
    rootControllers: await sorted(listRootControllers()),
    sysctls: await sorted(listSysctls()),
    folders: await sorted(listFolders()),
  };
}

/** Whether a cgroup is new in the root of its hierarchy, or below one that is, or bears the name of something that a fleet makes. */
function isFleetLike(cgroup: string, before: ReadonlySet<string>): boolean {
  if (/pilothouse|kube|k8s|containerd/.test(cgroup)) return true;
  let known = dirname(cgroup);
  while (!before.has(known) && known !== dirname(known)) known = dirname(known);
  return !before.has(dirname(known));
}

/**
 * What differs, by kind: lines that are gone (-) and new ones (+). An empty object when nothing does. A process outside any namespace that
 * has ended meanwhile is no trace of a fleet, and is left out; nor is a cgroup in a folder that was there before: somebody has logged in.
 */
export function compareSnapshots(before: MachineSnapshot, after: MachineSnapshot): Record<string, string[]> {
  const cgroups = new Set(before.cgroups);
  const ours = {
    ...after,
    cgroups: after.cgroups.filter((cgroup) => cgroups.has(cgroup) || isFleetLike(cgroup, cgroups)),
  };
  const keys = Object.keys(before).filter((key): key is keyof MachineSnapshot => key in after);
  return Object.fromEntries(
    keys
      .map((key): [string, string[]] => {
        const [old, now] = [new Set(before[key]), new Set(ours[key])];
        return [
          key,
          [
            ...before[key].filter((line) => !now.has(line) && key !== "processes").map((line) => `- ${line}`),
            ...ours[key].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
          ],
        ];
      })
      .filter(([, lines]) => lines.length > 0),
  );
}

/**
 * The same for snapshots that are many minutes apart, in which a machine has a life of its own: people log in, services come and
 * go. So it leaves out processes outside any namespace, cgroups in folders that were there before, whatever of these is gone,
 * and kernel settings that have come with a module.
 */
export function compareDistantSnapshots(before: MachineSnapshot, after: MachineSnapshot): Record<string, string[]> {
  const settings = new Set(before.sysctls.map((line) => line.split("=")[0]));
  return compareSnapshots(before, {
    ...after,
    processes: before.processes,
    enclosedProcesses: [...before.enclosedProcesses, ...after.enclosedProcesses],
    networkNamespaces: [...before.networkNamespaces, ...after.networkNamespaces],
    cgroups: [...before.cgroups, ...after.cgroups],
    sysctls: after.sysctls.filter((line) => settings.has(line.split("=")[0])),
  });
}

/**
 * Compares the machine with a snapshot until it is equal, 15 s at most: the kernel takes namespaces and cgroups away a moment
 * after their last process. Answers what differs at last.
 */
export async function waitForSameMachine(
  before: MachineSnapshot,
  compare: typeof compareSnapshots,
  view: SnapshotView = {},
): Promise<Record<string, string[]>> {
  const deadlineMs = performance.now() + 15_000;
  for (;;) {
    const differences = compare(before, await takeSnapshot(view));
    if (Object.keys(differences).length === 0 || performance.now() > deadlineMs) return differences;
    await sleep(500);
  }
}
