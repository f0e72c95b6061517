// Keeps a call alive: notices silence on a line, asks whether the server is there, and has what is broken made anew.
import type { Link } from "./link";
import { Pulse } from "./pulse";

const EVERY = 250; // ms

/** The part of a line this needs. */
export type Watched = Pick<Link, "isConnected" | "received" | "recover">;

/** The part of the room's client this needs. */
export interface Reaching {
  /** Whether the server answers at once. */
  beat(): Promise<boolean>;
  /** Open the way to the server anew, now. */
  reopen(): void;
  /** Where it is being opened anew anyway, do not wait. */
  hurry(): void;
}

/** What tells of a change of the network or of a phone that wakes: `window`, `navigator.connection`, `document`. */
export type Hints = readonly (readonly [EventTarget | undefined, string])[];

export class Lifeline {
  readonly #pulses = new WeakMap<Watched, Pulse>();
  /** Lines that were told to recover since something last came over them. */
  readonly #recovering = new WeakSet<Watched>();
  readonly #listening = new AbortController();
  readonly #timer: ReturnType<typeof setInterval>;
  #isAsking = false;

  constructor(
    private readonly links: () => readonly Watched[],
    private readonly server: Reaching,
    hints: Hints = browserHints(),
    private readonly clock: () => number = () => performance.now(),
  ) {
    this.#timer = setInterval(() => void this.look(), EVERY);
    const { signal } = this.#listening;
    for (const [target, event] of hints) target?.addEventListener(event, () => void this.#hinted(), { signal });
  }

  close(): void {
    clearInterval(this.#timer);
    this.#listening.abort();
  }

  /** Look at every line once. */
  async look(): Promise<void> {
    for (const link of this.links()) {
      const pulse = this.#pulses.get(link) ?? new Pulse();
      this.#pulses.set(link, pulse);
      const decision = pulse.take({ at: this.clock(), received: await link.received() });
      if (decision === "back") {
        this.#recovering.delete(link);
        this.server.hurry(); // what reaches the others reaches the server too
      } else if (decision === "probe") await this.#probe([link]);
    }
  }

  /** Something changed underneath: do not wait for the silence. */
  async #hinted(): Promise<void> {
    this.server.hurry();
    await this.#probe(this.links().filter(({ isConnected }) => !isConnected));
  }

  /** Lines over which nothing comes: with a server that answers they are mended, without one that comes first. */
  async #probe(silent: readonly Watched[]): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      if (!(await this.server.beat())) {
        this.server.reopen();
        return;
      }
      for (const link of silent) {
        // Once is enough where the line stands: then the other side sends nothing.
        if (this.#recovering.has(link) && link.isConnected) continue;
        this.#recovering.add(link);
        link.recover();
      }
    } finally {
      this.#isAsking = false;
    }
  }
}

function browserHints(): Hints {
  const { connection } = navigator as Navigator & { connection?: EventTarget };
  return [
    [globalThis, "online"],
    [connection, "change"],
    [globalThis.document, "visibilitychange"],
  ];
}
