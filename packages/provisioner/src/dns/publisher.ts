import type { Deadline } from "../deadline.ts";

/** Who makes revisions' hostnames resolve. Both calls can be repeated; neither writes anything once the deadline has passed. */
export interface DnsPublisher {
  /** Makes `hostname` resolve to exactly these IPv4 or IPv6 addresses. */
  publish(hostname: string, addresses: string[], deadline: Deadline): Promise<void>;
  /** Makes `hostname` resolve to nothing. Nothing to withdraw is no error. */
  withdraw(hostname: string, deadline: Deadline): Promise<void>;
}
