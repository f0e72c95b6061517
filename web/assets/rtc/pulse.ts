// Whether something still comes over a line. Pure: readings in, decisions out. Readings every quarter of a second.

/** What a line said of itself. */
export interface Beat {
  /** ms, of any clock that goes on. */
  at: number;
  /** RTP packets received since the connection began; it may fall to 0 with a new one. */
  received: number;
}

/** `probe`: ask the server whether it is there. `back`: what was silent comes again. */
export type Decision = "fine" | "probe" | "back";

/** ms without a packet on a line over which packets came: even who is silent sends two a second. */
export const SILENCE = 1_200;
/** ms after which a line that is still silent is asked about again: a path takes that long to be found. */
export const AGAIN = 4_000;
/** Packets before which nothing is expected. */
const BEGUN = 5;

export class Pulse {
  #received = 0;
  #since = 0;
  #asked: number | null = null;

  take({ at, received }: Beat): Decision {
    const wasSilent = this.#asked !== null;
    if (received !== this.#received) {
      this.#received = received;
      this.#since = at;
      this.#asked = null;
      return wasSilent ? "back" : "fine";
    }
    if (received < BEGUN || at - this.#since < SILENCE) return "fine";
    if (this.#asked !== null && at - this.#asked < AGAIN) return "fine";
    this.#asked = at;
    return "probe";
  }
}
