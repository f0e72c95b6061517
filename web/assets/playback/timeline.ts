// Several players of one session on one clock: what was said at the same time is heard at the same time.

/** What is asked of a player; `begins` and `lasts` are seconds on the common clock. */
export interface Part {
  player: Pick<HTMLMediaElement, "currentTime" | "paused" | "pause" | "play" | "readyState">;
  begins: number;
  lasts: number;
}

/** Further off than this, a player is put right: an ear hears an echo from a tenth of a second on, a jump costs more. */
const OFF = 0.25;
/** HTMLMediaElement.HAVE_FUTURE_DATA: it could go on. */
const READY = 3;

export class Timeline {
  readonly length: number;
  #at = 0;
  #isPlaying = false;

  constructor(private readonly parts: readonly Part[]) {
    this.length = Math.max(0, ...parts.map(({ begins, lasts }) => begins + lasts));
  }

  /** Seconds from the first beginning. */
  get at(): number {
    return this.#at;
  }

  get isPlaying(): boolean {
    return this.#isPlaying;
  }

  play(): void {
    if (this.#at >= this.length) this.#at = 0;
    this.#isPlaying = true;
    this.#settle();
  }

  pause(): void {
    this.#isPlaying = false;
    this.#settle();
  }

  seek(at: number): void {
    this.#at = Math.min(Math.max(at, 0), this.length);
    for (const part of this.parts) if (this.#isDue(part)) part.player.currentTime = this.#at - part.begins;
    this.#settle();
  }

  /** So many seconds have passed. Where one of them waits for its line, all wait. */
  pass(seconds: number): void {
    if (!this.#isPlaying) return;
    if (this.parts.some((part) => this.#isDue(part) && part.player.readyState < READY)) {
      this.#settle(false);
      return;
    }
    this.#at = Math.min(this.#at + seconds, this.length);
    if (this.#at >= this.length) this.#isPlaying = false;
    this.#settle();
  }

  #isDue({ begins, lasts }: Part): boolean {
    return this.#at >= begins && this.#at < begins + lasts;
  }

  #settle(goesOn = this.#isPlaying): void {
    for (const part of this.parts) {
      const { player, begins } = part;
      const isDue = goesOn && this.#isDue(part);
      if (isDue && Math.abs(player.currentTime - (this.#at - begins)) > OFF) player.currentTime = this.#at - begins;
      if (isDue && player.paused) void player.play()?.catch(() => undefined);
      else if (!isDue && !player.paused) player.pause();
    }
  }
}
