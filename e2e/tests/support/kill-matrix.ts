import {
  connectSteps,
  credentialRenewalSteps,
  disconnectSteps,
  reconcileSteps,
  removeSteps,
  renewSteps,
} from "@pilothouse/provisioner";

/** Whatever workers do in steps, from the code. */
export const stepsOf = {
  connect: connectSteps,
  renewConnection: renewSteps,
  reconcile: reconcileSteps,
  renewCredential: credentialRenewalSteps,
  remove: removeSteps,
  disconnect: disconnectSteps,
} as const;

export type KilledVerb = keyof typeof stepsOf;

/** Steps that no successor takes again, each with the reason. After all others two workers die in a row. */
const takenOnce: { [Verb in KilledVerb]: Partial<Record<(typeof stepsOf)[Verb][number], string>> } = {
  connect: {},
  renewConnection: {
    clusterSaved: "the successor is given the token that was stored, which is not due",
    oldTokenRevoked: "the successor is given the token that was stored, and finds nothing beside it",
  },
  reconcile: {},
  renewCredential: {
    newTokenHandedOver: "istiod has the new token from then on, and the successor waits for it to be used",
    renewalRecorded: "the renewal is over",
  },
  remove: {},
  disconnect: {
    anchorRemoved: "the cluster removes Pilothouse's identity at that, and the successor can't ask for more",
    identityGone: "nothing is left to ask the cluster with",
  },
};

/** How many workers are to die after each of the verb's steps. */
export function planDeaths(verb: KilledVerb): Record<string, number> {
  const once: Partial<Record<string, string>> = takenOnce[verb];
  return Object.fromEntries(stepsOf[verb].map((step) => [step, once[step] === undefined ? 2 : 1]));
}

/** Every `shares`-th of the verb's steps from the given one on, so that several objects go through all of them side by side. */
export function dealDeaths(verb: KilledVerb, share: number, shares: number): Record<string, number> {
  return Object.fromEntries(Object.entries(planDeaths(verb)).filter((_entry, index) => index % shares === share));
}
