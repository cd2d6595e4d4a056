import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { z } from "zod";
import { FleetError } from "../errors.ts";
import type { FleetPlan, PlannedIstiodCluster } from "../plan.ts";
import { killCgroups, listPodCgroups } from "./cgroups.ts";
import {
  findRunning,
  killEverything,
  killPart,
  listRecords,
  type ProcessScope,
  startProcess,
  tailLog,
} from "./processes.ts";
import { runProgram } from "./run.ts";

/**
 * A place is a network and a mount namespace, kept open by one sleeping process. Everything a fleet does to networks and
 * mounts happens in places: when the last process of a place ends, the kernel takes its links, routes, rules and mounts away.
 */
export const backbonePart = "backbone";

/** The part that keeps a node's namespaces open. */
export const placePart = (cluster: PlannedIstiodCluster): string => `${cluster.name}/node`;

const LinksSchema = z.array(z.object({ ifname: z.string(), ifalias: z.string().optional() }));
const RoutesSchema = z.array(z.object({ dst: z.string() }));

/** The fleet that made a link of the host, by its cgroup's name; "" for a link without a mark, undefined for no link. */
async function readLinkOwner(link: string): Promise<string | undefined> {
  const links = LinksSchema.parse(JSON.parse(await runProgram(["ip", "-json", "link", "show"])));
  const found = links.find((candidate) => candidate.ifname === link);
  return found === undefined ? undefined : (found.ifalias ?? "");
}

/**
 * Removes the host's link into a fleet's network, if this fleet made it. The kernel would do so by itself some time after the
 * namespace's last process has ended.
 */
export async function removeHostLink(scope: ProcessScope, plan: FleetPlan): Promise<void> {
  if ((await readLinkOwner(plan.hostLink)) !== scope.cgroup) return;
  await runProgram(["ip", "link", "delete", plan.hostLink]).catch(async (error: unknown) => {
    if ((await readLinkOwner(plan.hostLink)) === scope.cgroup) throw error;
  });
}

/** Whether some route of the host already leads into 10.(64+slot).0.0/16. */
export async function findTakenSlots(): Promise<Set<number>> {
  const taken = new Set<number>();
  const routes = RoutesSchema.parse(
    JSON.parse(await runProgram(["ip", "-json", "-4", "route", "show", "table", "all"])),
  );
  for (const { dst } of routes) {
    const [address = "", length = "32"] = dst.split("/");
    const [first, second] = address.split(".").map(Number);
    if (first !== 10 || second === undefined) continue;
    const prefix = Number(length);
    const span = prefix >= 16 ? 1 : 2 ** (16 - prefix);
    for (let octet = second; octet < second + span && octet < 256; octet += 1) taken.add(octet - 64);
  }
  return taken;
}

const shell = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/**
 * Lines that give the place a resolv.conf of its own; where the file is a link, what it points to is covered. Nothing is made on
 * the host: `mounts` may hide the target only by file systems of the place's own, and there it is made.
 */
const coverResolvConf = (file: string, mounts: string[] = []): string[] => [
  "resolver=$(readlink -e /etc/resolv.conf) || { echo '/etc/resolv.conf is missing or points to nothing' >&2; exit 1; }",
  ...mounts,
  ...(mounts.length === 0 ? [] : ['[ -e "$resolver" ] || { mkdir -p "$(dirname "$resolver")"; : > "$resolver"; }']),
  `mount --bind ${shell(file)} "$resolver"`,
];

/**
 * @param endOrphans ends what may still run in an earlier place of this name: it would keep those namespaces, and not meet the new ones
 */
async function openPlace(
  scope: ProcessScope,
  part: string,
  setUp: string[],
  endOrphans: () => Promise<void>,
  signal?: AbortSignal,
): Promise<number> {
  const flag = join(scope.recordsFolder, `${part.replaceAll("/", ".")}.open`);
  const running = await findRunning(scope, part);
  if (running !== undefined && existsSync(flag)) return running;
  // One without its flag was cut off while it was set up.
  if (running !== undefined) await killPart(scope, part);
  await endOrphans();
  const script = [
    "set -e",
    "mount --make-rshared /",
    ...setUp,
    "ip link set lo up",
    `: > ${shell(flag)}`,
    "exec sleep infinity",
  ];
  await mkdir(scope.recordsFolder, { recursive: true });
  // Before the start: with an old flag, the new process would be taken for a place while it is still in the host's namespaces.
  await rm(flag, { force: true });
  const pid = await startProcess(scope, {
    part,
    command: ["unshare", "--mount", "--net", "--propagation", "private", "/bin/sh", "-c", script.join("\n")],
  });
  const deadlineMs = performance.now() + 10_000;
  while (!existsSync(flag)) {
    signal?.throwIfAborted();
    if (performance.now() > deadlineMs || (await findRunning(scope, part)) === undefined) {
      throw new FleetError(
        `The namespaces of ${part} could not be set up. This needs root (CAP_SYS_ADMIN, CAP_NET_ADMIN). Its log says:\n${await tailLog(scope, part, 10)}`,
      );
    }
    await sleep(10);
  }
  return pid;
}

/** Runs `ip` commands, one a line, in the network namespace of a process. */
async function runIp(inside: number, lines: string[]): Promise<void> {
  await runProgram(["nsenter", "--target", String(inside), "--net", "--", "ip", "-batch", "-"], {
    input: `${lines.join("\n")}\n`,
  });
}

async function linksInside(inside: number): Promise<string[]> {
  const text = await runProgram(["nsenter", "--target", String(inside), "--net", "--", "ip", "-json", "link", "show"]);
  return LinksSchema.parse(JSON.parse(text)).map((link) => link.ifname);
}

/**
 * Opens the fleet's backbone: the network in which API servers, etcd and DNS live and which routes between nodes and host.
 * The host gets one link and one route. Answers the process id to enter it by.
 */
export async function ensureBackbone(
  scope: ProcessScope,
  plan: FleetPlan,
  stateFolder: string,
  signal?: AbortSignal,
): Promise<number> {
  const resolvConf = join(stateFolder, "resolv.conf");
  await writeFile(resolvConf, `nameserver ${plan.dnsAddress}\noptions timeout:1 attempts:2 ndots:1\n`);
  const pid = await openPlace(scope, backbonePart, coverResolvConf(resolvConf), () => killEverything(scope), signal);
  const inside = await linksInside(pid);
  if (!inside.includes("uplink")) {
    // A link of ours whose other end is not in this backbone is left over from one that was killed.
    await removeHostLink(scope, plan);
    if ((await readLinkOwner(plan.hostLink)) !== undefined) {
      throw new FleetError(
        `The link ${plan.hostLink} exists already, so another fleet has the addresses ${plan.cidr}. Take that fleet down, or make this one anew: npm run fleet -- down --wipe`,
      );
    }
    await runProgram([
      "ip",
      "link",
      "add",
      plan.hostLink,
      "type",
      "veth",
      "peer",
      "name",
      "uplink",
      "netns",
      String(pid),
    ]);
  }
  // From here on everything can be repeated: an earlier run may have ended anywhere in it.
  await runProgram(["ip", "link", "set", plan.hostLink, "alias", scope.cgroup]);
  const own = [plan.etcdAddress, plan.dnsAddress, ...plan.clusters.map((cluster) => cluster.address)];
  await runIp(pid, [
    `addr replace ${plan.backboneAddress}/30 dev uplink`,
    "link set uplink up",
    ...own.map((address) => `addr replace ${address}/32 dev lo`),
  ]);
  await runProgram([
    "nsenter",
    "--target",
    String(pid),
    "--net",
    "--",
    "/bin/sh",
    "-c",
    "echo 1 > /proc/sys/net/ipv4/ip_forward",
  ]);
  const host = z
    .array(z.object({ addr_info: z.array(z.object({ local: z.string() })) }))
    .parse(JSON.parse(await runProgram(["ip", "-json", "-4", "addr", "show", "dev", plan.hostLink])));
  if (!host.some((link) => link.addr_info.some((address) => address.local === plan.hostAddress))) {
    await runProgram(["ip", "addr", "add", `${plan.hostAddress}/30`, "dev", plan.hostLink]);
  }
  await runProgram(["ip", "link", "set", plan.hostLink, "up"]);
  await runProgram(["ip", "route", "replace", plan.cidr, "via", plan.backboneAddress, "dev", plan.hostLink]);
  return pid;
}

/** Kernel settings that a kubelet writes for the whole machine; a node sees copies of the files instead. */
const kubeletSysctls = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
];

/**
 * Opens the namespaces of an istiod cluster's node and joins them to the backbone. /run, /var/lib and /var/log are the
 * node's own: that of a machine that was just switched on, the others kept in the fleet's state.
 */
export async function ensureNodePlace(
  scope: ProcessScope,
  cluster: PlannedIstiodCluster,
  backbone: number,
  nodeFolder: string,
  signal?: AbortSignal,
): Promise<number> {
  for (const folder of ["var-lib", "var-log", "sysctl"]) await mkdir(join(nodeFolder, folder), { recursive: true });
  const resolvConf = join(nodeFolder, "resolv.conf");
  await writeFile(resolvConf, `nameserver ${cluster.clusterDnsAddress}\noptions timeout:1 attempts:2\n`);
  const copies = kubeletSysctls.map((name) => ({
    file: `/proc/sys/${name}`,
    copy: join(nodeFolder, "sysctl", name.replaceAll("/", ".")),
  }));
  const pid = await openPlace(
    scope,
    placePart(cluster),
    coverResolvConf(resolvConf, [
      ...copies.map(
        ({ file, copy }) =>
          `[ ! -e ${file} ] || { cat ${file} > ${shell(copy)}; mount --bind ${shell(copy)} ${file}; }`,
      ),
      `mount --bind ${shell(join(nodeFolder, "var-lib"))} /var/lib`,
      `mount --bind ${shell(join(nodeFolder, "var-log"))} /var/log`,
      "mount -t tmpfs -o mode=755 tmpfs /run",
    ]),
    async () => {
      const records = await listRecords(scope);
      for (const record of records) if (record.place === placePart(cluster)) await killPart(scope, record.part);
      await killCgroups(await listPodCgroups(scope.cgroup, cluster.name));
    },
    signal,
  );
  if (!(await linksInside(pid)).includes("eth0")) {
    if ((await linksInside(backbone)).includes(cluster.link)) {
      // The kernel may take it away in this very moment: its other end was in a place that has ended.
      await runIp(backbone, [`link del ${cluster.link}`]).catch(async (error: unknown) => {
        if ((await linksInside(backbone)).includes(cluster.link)) throw error;
      });
    }
    // The backbone's end is made first and the other end sent into the node, named by the node's process id.
    await runIp(backbone, [`link add ${cluster.link} type veth peer name eth0 netns ${pid}`]);
  }
  await runIp(backbone, [
    `addr replace ${cluster.nodeGateway}/30 dev ${cluster.link}`,
    `link set ${cluster.link} up`,
    `route replace ${cluster.podCidr} via ${cluster.nodeAddress} dev ${cluster.link} onlink`,
    `route replace ${cluster.serviceCidr} via ${cluster.nodeAddress} dev ${cluster.link} onlink`,
  ]);
  await runIp(pid, [
    `addr replace ${cluster.nodeAddress}/30 dev eth0`,
    "link set eth0 up",
    `route replace default via ${cluster.nodeGateway}`,
  ]);
  return pid;
}
