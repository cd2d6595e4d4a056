import type { ProofOutcome } from "./run-proof.ts";
import { connectTlsAddress, type TlsEndpoint } from "./tls-connection.ts";

/**
 * Proves that every address of a revision's name completes a TLS handshake with the right certificate: a client that lands on
 * an address without istiod behind it does not try the next one. Fails with the first address's ProofFailure.
 */
export async function proveHandshake(endpoint: TlsEndpoint, signal: AbortSignal): Promise<ProofOutcome> {
  await Promise.all(
    endpoint.addresses.map(async (address) => {
      const socket = await connectTlsAddress(endpoint, address, signal);
      socket.destroy();
    }),
  );
  return {
    message: `The edge leads to an istiod of this mesh on port ${endpoint.port}.`,
    details: { addresses: [...endpoint.addresses], port: endpoint.port },
  };
}
