/** Share of a token's life after which it is renewed; the provisioner's `renewalShare`. */
export const renewalShare = 0.6;

/** When a token is renewed next. */
export function findRenewal({ issuedAt, expiresAt }: { issuedAt: string; expiresAt: string }): string {
  const issuedMs = Date.parse(issuedAt);
  return new Date(issuedMs + (Date.parse(expiresAt) - issuedMs) * renewalShare).toISOString();
}
