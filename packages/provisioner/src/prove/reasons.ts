interface ReasonTraits {
  /** `refuted`: seen not to work. `unknown`: Pilothouse could not see, which says nothing about the revision. */
  verdict: "refuted" | "unknown";
  /** Expected to pass by itself while a revision comes up. */
  waitable: boolean;
}

const refuted = { verdict: "refuted", waitable: false } as const;
const refutedForNow = { verdict: "refuted", waitable: true } as const;
const unknown = { verdict: "unknown", waitable: false } as const;
const unknownForNow = { verdict: "unknown", waitable: true } as const;

/** Every reason for which a proof can fail, one per cause. */
export const proofReasons = {
  // On the way to the edge
  NameNotFound: refutedForNow,
  ResolverUnavailable: unknownForNow,
  ConnectionRefused: refutedForNow,
  ConnectTimeout: refutedForNow,
  AddressUnreachable: refutedForNow,
  ConnectionReset: refutedForNow,
  HandshakeTimeout: refutedForNow,
  ConnectionFailed: refutedForNow,
  ConnectionBroke: refutedForNow,
  NotTls: refuted,
  TlsFailed: refuted,
  ProtocolNotOffered: refuted,
  CertificateUntrusted: refutedForNow,
  CertificateNameMismatch: refuted,
  CertificateNotValidNow: refuted,
  ClientCertificateRefused: refuted,
  // istiod's answers
  NoAnswer: refutedForNow,
  NotReady: refutedForNow,
  Unauthenticated: refutedForNow,
  IdentityRefused: refuted,
  RateLimited: refutedForNow,
  ServiceMissing: refuted,
  GrpcFailed: refuted,
  BadAnswer: refuted,
  // Certificate
  ChainNotTrusted: refuted,
  WrongIdentity: refuted,
  WrongKey: refuted,
  WrongValidity: refuted,
  // Discovery
  NoClusters: refuted,
  NoListeners: refuted,
  MalformedResources: refuted,
  StreamEnded: refutedForNow,
  // What the mesh cluster's API server says
  WebhookAbsent: refuted,
  WebhookFailsOpen: refutedForNow,
  NotRefused: refutedForNow,
  NotInjected: refutedForNow,
  WrongRevision: refuted,
  WrongDiscoveryAddress: refuted,
  WrongCaAddress: refuted,
  OtherWords: refuted,
  WebhookNameNotFound: refutedForNow,
  WebhookResolverFailed: refutedForNow,
  WebhookRefused: refutedForNow,
  WebhookUnreachable: refutedForNow,
  WebhookReset: refutedForNow,
  WebhookTimeout: refutedForNow,
  WebhookUntrusted: refutedForNow,
  WebhookNameMismatch: refuted,
  WebhookCertificateExpired: refuted,
  WebhookBadAnswer: refuted,
  WebhookFailed: refuted,
  KindMissing: refuted,
  SchemaRefused: unknown,
  OtherWebhookRefused: unknown,
  AdmissionPluginRefused: unknown,
  ProbeForbidden: unknown,
  ProbeNamespaceMissing: unknown,
  ProbeAccountMissing: unknown,
  RootCertificateMissing: unknownForNow,
  MeshApiUnavailable: unknownForNow,
  // The prober itself
  NotTried: unknownForNow,
  Aborted: unknownForNow,
  ProberFault: unknown,
} as const satisfies Record<string, ReasonTraits>;

/** CamelCase, stable, one per cause. */
export type ProofReason = keyof typeof proofReasons;

/** Plain facts beside a proof, for a person who looks closer. May change from one proof to the next; holds no secrets. */
export type ProofDetails = Record<string, string | number | boolean | string[]>;

/** Why a proof failed. The message is for people and stable: no times, no ports or ids that change. */
export class ProofFailure extends Error {
  readonly reason: ProofReason;
  readonly details: ProofDetails;

  constructor(reason: ProofReason, message: string, details: ProofDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "ProofFailure";
    this.reason = reason;
    this.details = details;
  }
}
