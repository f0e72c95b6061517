// The session's log as this page holds it: each event once, in its order. See "Nothing is lost" in docs/protocol.md.
import type { Logged, SessionLog as Told } from "../protocol.gen";

const MOST_KEPT = 500;

export class SessionLog {
  #last: number | null = null;
  readonly #early = new Map<number, Logged>();
  readonly #kept: Logged[] = [];

  constructor(private readonly take: (event: Logged) => void) {}

  /** The number up to which nothing is missing; undefined before one was told. */
  get last(): number | undefined {
    return this.#last ?? undefined;
  }

  /** An event came. True where others before it are missing: it waits for them. */
  hear(event: Logged): boolean {
    if (event.number <= (this.#last ?? -1)) return false;
    this.#early.set(event.number, event);
    if (this.#last === null) return false; // what is missing is on its way with the answer to `join`
    this.#takeNext();
    return this.#early.size > 0;
  }

  /** What was missed: nothing up to `last` is missing any more. */
  catchUp({ events, last }: Told): void {
    for (const event of events) if (event.number > (this.#last ?? -1)) this.#deliver(event);
    this.#last = Math.max(this.#last ?? 0, last);
    for (const number of this.#early.keys()) if (number <= this.#last) this.#early.delete(number);
    this.#takeNext();
  }

  /** What was taken of a kind, for who begins to listen only now. The chat is not kept: the page shows it. */
  of(kind: string): Logged[] {
    return this.#kept.filter((event) => event.kind === kind);
  }

  #takeNext(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      this.#early.delete(next.number);
      this.#deliver(next);
    }
  }

  #next(): Logged | undefined {
    return this.#early.get((this.#last ?? 0) + 1);
  }

  #deliver(event: Logged): void {
    this.#last = event.number;
    if (event.kind !== "chat" && this.#kept.push(event) > MOST_KEPT) this.#kept.shift();
    this.take(event);
  }
}
