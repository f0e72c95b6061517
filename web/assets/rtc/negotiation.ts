// The negotiation table, walked: written in Python (signaling/negotiation.py), generated into protocol.gen.ts.
import {
  NEGOTIATION,
  type NegotiationAction,
  type NegotiationEvent,
  type NegotiationRole,
  type NegotiationState,
} from "../protocol.gen";

export class UnknownStep extends Error {}

/** The next state and what to do. Throws UnknownStep naming both where the table has no row. */
export function step(
  role: NegotiationRole,
  event: NegotiationEvent,
  state: NegotiationState,
): [NegotiationState, NegotiationAction] {
  const row = NEGOTIATION[role][`${event}/${state}`];
  if (!row) throw new UnknownStep(`${event} is not expected while ${state} (${role})`);
  return row;
}
