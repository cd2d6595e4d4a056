import type { LookupAddress } from "node:dns";
import { buildConnector } from "undici";
import type { Deadline } from "../deadline.ts";

/** Resolves a host and answers all its addresses, or throws when one of them may not be connected to. */
export type AddressCheck = (host: string, signal?: AbortSignal) => Promise<LookupAddress[]>;

interface ConnectorOptions {
  deadline: Deadline;
  signal?: AbortSignal;
  checkAddress?: AddressCheck;
}

/**
 * Opens connections only to addresses that were checked for this very connection: the name isn't resolved a second time, so that
 * a DNS server can't answer the check with one address and the connection with another.
 */
export function createCheckedConnector(
  tls: buildConnector.BuildOptions,
  options: ConnectorOptions,
): buildConnector.connector {
  if (options.checkAddress === undefined) return buildConnector({ ...tls, allowH2: false });
  return createPinnedConnector(tls, { ...options, checkAddress: options.checkAddress });
}

function createPinnedConnector(
  tls: buildConnector.BuildOptions,
  options: ConnectorOptions & { checkAddress: AddressCheck },
): buildConnector.connector {
  const { checkAddress, deadline } = options;
  let checked: LookupAddress[] = [];
  const connect = buildConnector({
    ...tls,
    allowH2: false,
    lookup: (_host, lookupOptions, callback) => {
      const [first] = checked;
      if (first === undefined) callback(new Error("no checked address"), "");
      else if (lookupOptions.all) callback(null, checked);
      else callback(null, first.address, first.family);
    },
  });
  async function openConnection(target: buildConnector.Options, callback: buildConnector.Callback): Promise<void> {
    try {
      checked = await checkAddress(target.hostname, options.signal);
      deadline.assertNotPassed(`connect to ${target.hostname}`);
      connect(target, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  }
  return (target, callback) => void openConnection(target, callback);
}
