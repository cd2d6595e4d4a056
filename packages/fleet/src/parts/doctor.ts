import { readdir, readFile, readlink, stat, statfs } from "node:fs/promises";
import { availableParallelism, freemem, totalmem } from "node:os";
import { dirname, join, resolve } from "node:path";
import { runCommand } from "./command.ts";
import type { Environment } from "./command.ts";
import { findMachineGo, isGoRecent } from "./go-tool.ts";
import type { Manifest, PartSource } from "./manifest.ts";
import { loadManifest, toolchainFolder } from "./manifest.ts";
import { describeError } from "./part-error.ts";
import { checkResolver } from "./resolver-check.ts";
import { findPart, placePart } from "./store.ts";
import type { PlacedPart } from "./store.ts";
import { checkPip, checkTools, findProgram } from "./tool-checks.ts";
import type { MachineCheck } from "./tool-checks.ts";

/** What is looked at, and for how large a fleet. */
export interface DoctorOptions {
  cache: string;
  environment: Environment;
  signal?: AbortSignal;
  /** Clusters still to be started: an API server with its controllers each. */
  clusters: number;
  /** Nodes among them still to be started: kubelet, containerd, kube-proxy and pods each. */
  nodes: number;
}

/** Counted in running clusters of Kubernetes 1.34: API server 3 and controller-manager 5; kubelet 6, containerd 1, kube-proxy 1. */
const inotifyInstances = { cluster: 8, node: 8, reserve: 16 };
/** Counted likewise: API server 4 and controller-manager 9; kubelet 147 with three pods, growing with each. */
const inotifyWatches = { cluster: 13, node: 400, reserve: 1_000 };
/** Measured resident sizes: API server, controllers; kubelet, containerd, kube-proxy, and a few istiods. */
const memoryMib = { cluster: 370, node: 700, reserve: 500, build: 2_000 };
/** Modules, Go's build cache and the parts of a build from nothing; running fleets with warm parts. */
const diskGib = { cold: 15, warm: 2 };

/**
 * Looks at everything that getting parts and running a fleet asks of this machine. Changes nothing: what it tries, it
 * tries in namespaces that are gone afterwards.
 * @returns one check for each thing, good ones too, in a fixed order.
 */
export async function doctorParts(options: DoctorOptions): Promise<MachineCheck[]> {
  const { environment, signal = new AbortController().signal } = options;
  const manifest = await loadManifest();
  const placed = await Promise.all(
    manifest.parts.map((part) => placePart(resolve(options.cache), part, toolchainFolder)),
  );
  const missing: PlacedPart[] = [];
  for (const each of placed) if ((await findPart(each)) === undefined) missing.push(each);
  const iptables = placed.find(({ part }) => part.name === "iptables");
  return [
    checkPlatform(manifest),
    checkParts(placed.length, missing),
    ...(await checkBuildTools(manifest, missing, environment, signal)),
    checkRoot(),
    await checkNetworkNamespaces(environment, signal),
    await checkResolver("/etc/resolv.conf"),
    await checkPacketFilter(iptables !== undefined && !missing.includes(iptables) ? iptables : undefined, {
      environment,
      signal,
    }),
    await checkCgroups(),
    await checkInotify("max_user_instances", inotifyInstances, options, await countInotifyInstances()),
    await checkInotify("max_user_watches", inotifyWatches, options, 0),
    await checkDisk(options.cache, missing.length > 0),
    checkMemory(options, missing.length > 0),
    await checkCurl(environment),
  ];
}

async function checkCurl(environment: Environment): Promise<MachineCheck> {
  const path = await findProgram("curl", environment);
  return {
    name: "curl",
    required: false,
    ok: path !== undefined,
    found: path ?? "not on the PATH",
    needed: "the program curl, for npm run bench alone",
    help: "apt-get install curl",
  };
}

function checkPlatform(manifest: Manifest): MachineCheck {
  const architecture = process.arch === "x64" ? "amd64" : process.arch;
  const found = `${process.platform}/${architecture}`;
  const help = "Use such a machine: the manifest's wheels and packages are made for it.";
  return { name: "platform", required: true, ok: found === manifest.platform, found, needed: manifest.platform, help };
}

function checkParts(count: number, missing: readonly PlacedPart[]): MachineCheck {
  const names = missing.map(({ part }) => part.name).join(", ");
  const found = missing.length === 0 ? `all ${count} in the cache` : `${missing.length} of ${count} missing: ${names}`;
  // Missing parts are no fault: they will be got.
  return {
    name: "parts",
    ok: true,
    required: false,
    found,
    needed: `${count} parts`,
    help: "They are got when the fleet is started.",
  };
}

async function checkBuildTools(
  manifest: Manifest,
  missing: readonly PlacedPart[],
  environment: Environment,
  signal: AbortSignal,
): Promise<MachineCheck[]> {
  const kinds = new Set<PartSource["kind"]>(missing.map(({ part }) => part.source.kind));
  const checks: MachineCheck[] = [];
  if (kinds.has("go") || kinds.has("go-files")) {
    const go = await findMachineGo(environment, signal);
    const isRecent = go !== undefined && isGoRecent(go.version, manifest.go.minimum);
    if (!isRecent) kinds.add("pypi");
    checks.push({
      name: "go",
      ok: true,
      required: false,
      found: `${go?.version ?? "none"}${isRecent ? "" : `; ${manifest.go.wheel.version} will come from PyPI`}`,
      needed: `Go ${manifest.go.minimum} or newer`,
      help: "Nothing needs to be done.",
    });
  }
  checks.push(...(await checkTools(environment, kinds)));
  if (kinds.has("pypi")) checks.push(await checkPip(environment, signal));
  return checks;
}

function checkRoot(): MachineCheck {
  const user = process.getuid?.();
  return {
    name: "root",
    required: true,
    ok: user === 0,
    found: user === undefined ? "no user ids" : `user ${user}`,
    needed: "user 0, for network namespaces, mounts and cgroups",
    help: "Run it as root, in a virtual machine if it shall be kept apart.",
  };
}

async function checkNetworkNamespaces(environment: Environment, signal: AbortSignal): Promise<MachineCheck> {
  const check = {
    name: "network namespaces",
    required: true,
    needed: "a new network namespace with a veth pair in it",
  };
  const absent: string[] = [];
  for (const program of ["unshare", "nsenter", "ip", "mount"]) {
    if ((await findProgram(program, environment)) === undefined) absent.push(program);
  }
  if (absent.length > 0) {
    const found = `not on the PATH: ${absent.join(", ")}`;
    return { ...check, ok: false, found, help: "apt-get install util-linux mount iproute2" };
  }
  const tried = await tryCommand(
    ["unshare", "--net", "ip", "link", "add", "name", "doctor0", "type", "veth"],
    environment,
    signal,
  );
  const help = "Run it as root on a kernel with veth (modprobe veth); many containers may not do this.";
  return { ...check, ok: tried === undefined, found: tried ?? "works", help };
}

async function checkPacketFilter(
  iptables: PlacedPart | undefined,
  options: { environment: Environment; signal: AbortSignal },
): Promise<MachineCheck> {
  const needed = "NAT, connection tracking and comments by iptables on nftables";
  const check = { name: "iptables", required: true, needed };
  if (iptables === undefined) {
    return { ...check, ok: true, found: "can't be tried before the part iptables is there", help: "Look again later." };
  }
  const library = join(iptables.folder, "usr/lib/x86_64-linux-gnu");
  const environment = { ...options.environment, LD_LIBRARY_PATH: library, XTABLES_LIBDIR: join(library, "xtables") };
  const program = join(iptables.folder, "bin/iptables");
  const match = ["-m", "conntrack", "--ctstate", "NEW", "-m", "comment", "--comment", "doctor"];
  const rule = ["-t", "nat", "-A", "POSTROUTING", ...match, "-j", "MASQUERADE"];
  const tried = await tryCommand(["unshare", "--net", program, ...rule], environment, options.signal);
  const help = "The kernel needs nf_tables, nft_compat and nf_nat: modprobe nf_tables nft_compat nf_nat xt_conntrack.";
  return { ...check, ok: tried === undefined, found: tried ?? "works", help };
}

/** Runs a command. @returns why it failed, or undefined. */
async function tryCommand(
  command: readonly [string, ...string[]],
  environment: Environment,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    await runCommand({ command, folder: "/", environment, signal, timeoutMs: 10_000 });
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return describeError(error).split("\n").slice(0, 3).join(" ");
  }
}

async function checkCgroups(): Promise<MachineCheck> {
  const wanted = ["cpu", "cpuset", "memory", "pids"];
  const mounts = (await readFile("/proc/self/mounts", "utf8")).split("\n").map((line) => line.split(" "));
  const unified = mounts.find(([, , type]) => type === "cgroup2")?.[1];
  const text = unified === undefined ? "" : await readFile(join(unified, "cgroup.controllers"), "utf8").catch(() => "");
  const found = new Set(text.trim().split(" "));
  for (const [, , type, options] of mounts) {
    if (type === "cgroup") for (const controller of options?.split(",") ?? []) found.add(controller);
  }
  const absent = wanted.filter((controller) => !found.has(controller));
  if (unified === undefined) absent.push("a version 2 hierarchy");
  return {
    name: "cgroups",
    required: true,
    ok: absent.length === 0,
    found:
      absent.length === 0 ? `version 2 at ${unified ?? ""}, ${wanted.join(", ")}` : `missing: ${absent.join(", ")}`,
    needed: `a version 2 hierarchy, and ${wanted.join(", ")} in version 1 or 2`,
    help: "mkdir -p /sys/fs/cgroup/unified && mount -t cgroup2 none /sys/fs/cgroup/unified; controllers: mount -t cgroup -o NAME none /sys/fs/cgroup/NAME",
  };
}

async function checkInotify(
  limit: "max_user_instances" | "max_user_watches",
  costs: { cluster: number; node: number; reserve: number },
  fleet: Pick<DoctorOptions, "clusters" | "nodes">,
  used: number,
): Promise<MachineCheck> {
  const allowed = Number(await readFile(`/proc/sys/fs/inotify/${limit}`, "utf8"));
  const needed = used + fleet.clusters * costs.cluster + fleet.nodes * costs.node + costs.reserve;
  return {
    name: `fs.inotify.${limit}`,
    required: true,
    ok: allowed >= needed,
    found: `${allowed}${used > 0 ? `, of which ${used} are in use` : ""}`,
    needed: `${needed} for ${fleet.clusters} clusters with ${fleet.nodes} nodes to be started`,
    help: `sysctl -w fs.inotify.${limit}=${Math.max(needed * 2, 512)}`,
  };
}

/** Inotify instances of this user's processes: the kernel counts them by user. */
async function countInotifyInstances(): Promise<number> {
  const user = process.getuid?.();
  let count = 0;
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    try {
      if ((await stat(`/proc/${pid}`)).uid !== user) continue;
      for (const name of await readdir(`/proc/${pid}/fd`)) {
        const target = await readlink(`/proc/${pid}/fd/${name}`).catch(() => "");
        if (target === "anon_inode:inotify") count += 1;
      }
    } catch {
      // The process has ended, or may not be looked at.
    }
  }
  return count;
}

async function checkDisk(cache: string, isCold: boolean): Promise<MachineCheck> {
  let folder = resolve(cache);
  for (;;) {
    try {
      const { bavail, bsize } = await statfs(folder);
      const freeGib = (bavail * bsize) / 2 ** 30;
      const neededGib = isCold ? diskGib.cold : diskGib.warm;
      return {
        name: "disk",
        required: false,
        ok: freeGib >= neededGib,
        found: `${freeGib.toFixed(0)} GiB free at ${folder}`,
        needed: `${neededGib} GiB${isCold ? " to build from nothing (with Go's caches)" : ""}`,
        help: "Free some, or set PILOTHOUSE_CACHE, GOCACHE and GOMODCACHE to folders with room.",
      };
    } catch (error) {
      // The cache is made later; its parent has the same file system.
      const parent = dirname(folder);
      if (parent === folder) throw error;
      folder = parent;
    }
  }
}

function checkMemory(fleet: Pick<DoctorOptions, "clusters" | "nodes">, isCold: boolean): MachineCheck {
  const running = fleet.clusters * memoryMib.cluster + fleet.nodes * memoryMib.node + memoryMib.reserve;
  const needed = running + (isCold ? memoryMib.build : 0);
  const found = Math.round(totalmem() / 2 ** 20);
  return {
    name: "memory",
    required: false,
    ok: found >= needed,
    found: `${found} MiB, ${Math.round(freemem() / 2 ** 20)} MiB of it free, ${availableParallelism()} cores`,
    needed: `${needed} MiB`,
    help: "Use a topology with fewer clusters, or a larger machine.",
  };
}
