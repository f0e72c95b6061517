// The call of this page, for the controllers beside it: they may be loaded before it begins or after.
import type { Call } from "../rtc/call";

type Take = (call: Call) => void;

let present: Call | null = null;
const waiting = new Set<Take>();

/** Have `take` called with the call that runs and with each that begins; returns what ends that. */
export function withCall(take: Take): () => void {
  waiting.add(take);
  if (present) take(present);
  return () => waiting.delete(take);
}

export function begin(call: Call): void {
  present = call;
  for (const take of waiting) take(call);
}

export function end(): void {
  present = null;
}
