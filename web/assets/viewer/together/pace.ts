// How often something is sent: the newest of it, the first at once and the last always. On a slow line, where answers
// stay away, less is sent rather than that any of it waits in a queue.

const A_SECOND = 15;
const IN_HAND = 4;
const UNANSWERED = 6;

export class Pace<T> {
  #next: { value: T } | null = null;
  #hand = IN_HAND;
  #counted = performance.now();
  #unanswered = 0;
  #timer?: ReturnType<typeof setTimeout>;

  /** `send` settles once what it sent was answered, or never will be. */
  constructor(private readonly send: (value: T) => Promise<unknown>) {}

  /** Send this as soon as may be, unless something newer comes first. */
  put(value: T): void {
    this.#next = { value };
    this.#go();
  }

  /** What was not sent yet is not sent any more. */
  clear(): void {
    this.#next = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #go(): void {
    if (!this.#next || this.#timer !== undefined || this.#unanswered >= UNANSWERED) return;
    const now = performance.now();
    this.#hand = Math.min(IN_HAND, this.#hand + ((now - this.#counted) * A_SECOND) / 1000);
    this.#counted = now;
    if (this.#hand < 1) {
      this.#timer = setTimeout(
        () => {
          this.#timer = undefined;
          this.#go();
        },
        Math.ceil(((1 - this.#hand) * 1000) / A_SECOND),
      );
      return;
    }
    const { value } = this.#next;
    this.#next = null;
    this.#hand -= 1;
    this.#unanswered += 1;
    void this.send(value)
      .catch(() => undefined)
      .then(() => {
        this.#unanswered -= 1;
        this.#go();
      });
  }
}
