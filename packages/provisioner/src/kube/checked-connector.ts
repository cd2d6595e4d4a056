import type { LookupAddress } from "node:dns";
import { buildConnector } from "undici";
import type { Deadline } from "../deadline.ts";

/** Resolves a host and answers all its addresses, or throws when one of them may not be connected to. */
export type AddressCheck = (host: string, signal?: AbortSignal) => Promise<LookupAddress[]>;

/** Code of the error for a connection that was accepted and ended by the other side before TLS was agreed on. */
export const handshakeCutCode = "ERR_TLS_HANDSHAKE_CUT";

interface ConnectorOptions {
  /** Absent for connections that belong to no one run. */
  deadline?: Deadline;
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
  const { checkAddress } = options;
  return namingCutHandshakes(
    checkAddress === undefined
      ? buildConnector({ ...tls, allowH2: false })
      : createPinnedConnector(tls, { ...options, checkAddress }),
  );
}

/** Tells a handshake that was cut from a connection that broke off later: both are ECONNRESET otherwise. */
function namingCutHandshakes(connect: buildConnector.connector): buildConnector.connector {
  return (target, callback) => {
    connect(target, (...outcome) => {
      const [error] = outcome;
      if (error === null || !isCut(error)) callback(...outcome);
      else callback(Object.assign(new Error(error.message, { cause: error }), { code: handshakeCutCode }), null);
    });
  };
}

/** In a handshake only: the connector answers before anything else is sent. One that was never accepted failed in `connect`. */
const isCut = (error: Error): boolean =>
  "code" in error &&
  (error.code === "ECONNRESET" || error.code === "EPIPE") &&
  !("syscall" in error && error.syscall === "connect");

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
      deadline?.assertNotPassed(`connect to ${target.hostname}`);
      connect(target, callback);
    } catch (error) {
      callback(error instanceof Error ? error : new Error(String(error)), null);
    }
  }
  return (target, callback) => void openConnection(target, callback);
}
