// What is told of this side's links, every five seconds and when the rung changes: kept with the consult, and the rung shown to the others.
import type { Net } from "../protocol.gen";
import type { Ladder } from "./ladder";
import { type Reading, together } from "./quality";

const EVERY = 5; // seconds
/** Bounds of the wire (signaling/protocol_net.py). */
const LONGEST = 60_000; // ms
const MOST = 1e9; // bit/s

export class Reports {
  #told = "";
  #seconds = 0;
  #silent = 0;
  #freezes = 0;
  #hasHeard = false;

  /** `send` resolves to null where the message was not taken: what it counted is told with the next. */
  constructor(private readonly send: (net: Net) => Promise<unknown>) {}

  /** Take what the links say, each second; nothing while none stands. */
  async take(readings: readonly Reading[], { rung, why }: Pick<Ladder, "rung" | "why">): Promise<void> {
    const now = together(readings);
    this.#seconds += 1;
    this.#freezes += now.freezes;
    this.#hasHeard ||= now.packets > 0;
    if (this.#hasHeard && now.packets === 0) this.#silent += 1;
    const telling = `${rung.name} ${why}`;
    const isDue = this.#seconds >= EVERY || (this.#told !== "" && telling !== this.#told);
    if (!isDue || readings.length === 0) return;
    this.#told = telling;
    this.#seconds = 0;
    const [silent, freezes] = [this.#silent, this.#freezes];
    const net: Net = {
      rung: rung.name,
      why,
      loss: Math.min(1, now.loss),
      concealed: Math.min(1, now.concealed),
      up: Math.min(MOST, now.up),
      down: Math.min(MOST, now.down),
      silent,
      freezes,
      ...(now.roundTrip !== null && { round_trip: Math.min(LONGEST, now.roundTrip) }),
      ...(now.jitter !== null && { jitter: Math.min(LONGEST, now.jitter) }),
      ...(now.uplink !== null && { uplink: Math.min(MOST, now.uplink) }),
    };
    if ((await this.send(net)) === null) return;
    this.#silent -= silent;
    this.#freezes -= freezes;
  }
}
