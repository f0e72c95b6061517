// The call of this page, for the controllers beside it: they may be loaded before it begins or after.
import type { Call } from "../rtc/call";

type Take = (call: Call) => void;

let present: Call | null = null;
const waiting = new Map<Take, (() => void) | undefined>();

/** Have `take` called with the call that runs and with each that begins, `over` when one ends; returns what ends that. */
export function withCall(take: Take, over?: () => void): () => void {
  waiting.set(take, over);
  if (present) take(present);
  return () => waiting.delete(take);
}

export function begin(call: Call): void {
  present = call;
  for (const take of waiting.keys()) take(call);
}

export function end(): void {
  if (present) for (const over of waiting.values()) over?.();
  present = null;
}
