import type { Database } from "@pilothouse/core";
import type { DnsPublisher, ProviderConfig } from "@pilothouse/provisioner";
import type { KeyRing } from "../key-ring.ts";
import type { Log } from "../log.ts";
import type { Provisioner } from "../provisioner.ts";
import type { JanitorMode } from "../upkeep/janitor.ts";

/** What reconcilers work with. */
export interface Dependencies {
  database: Database;
  provisioner: Provisioner;
  provider: ProviderConfig;
  dns: DnsPublisher;
  keys: KeyRing;
  /** Of istiods' tokens, in seconds. */
  tokenLifetimeSeconds: number;
  /** Told of a shard at which something could not be seen, so that its health is looked at now. */
  onTrouble: (shard: string) => void;
  /** Whether what nobody wants in a mesh cluster is removed, or only told of. */
  janitor: JanitorMode;
  /** Share of the looks at a connected mesh cluster that also look for what nobody wants. */
  orphanLookShare: number;
  log: Log;
}
