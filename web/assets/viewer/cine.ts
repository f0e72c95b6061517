// Plays moving images, and stacks like them: by a clock through what is here, or over a thin line the video of them.
import type { Film } from "./film";
import type { Size } from "./geometry";
import type { Line } from "./line";
import { clipAt, type Series, type Slice, stepped } from "./stack";

/** What is played on. */
export interface Screen {
  place(): { readonly series: Series; readonly index: number };
  /** Whether the slice can be shown at once. */
  isHere(slice: Slice): boolean;
  turnTo(index: number): void;
  /** A picture of a video stands for this slice. */
  project(picture: CanvasImageSource, size: Size, index: number): void;
}

export interface Projector {
  readonly line: Pick<Line, "isThin">;
  /** The video at a path; null where it cannot be played. */
  film(path: string): Film | null;
}

/** Pictures a second: where the images do not say how many, and the bounds of what may be chosen. */
const USUAL_RATE = 15;
const [LEAST, MOST] = [1, 60];

export class Cine {
  #clock: ReturnType<typeof setInterval> | null = null;
  #film: Film | null = null;
  /** Pictures a second that someone chose; null: as recorded. */
  #chosen: number | null = null;

  constructor(
    private readonly screen: Screen,
    private readonly projector: Projector,
  ) {}

  get isPlaying(): boolean {
    return this.#clock !== null || this.#film !== null;
  }

  /** Whether what is on the screen is a picture of a video. */
  get isFilm(): boolean {
    return this.#film !== null;
  }

  get rate(): number {
    return this.#chosen ?? this.#recorded ?? USUAL_RATE;
  }

  /** So many pictures a second, within bounds; null: as recorded. */
  setRate(rate: number | null): void {
    this.#chosen = rate === null ? null : Math.min(Math.max(rate, LEAST), MOST);
    this.pace();
  }

  /** Go on at the rate that holds now. */
  pace(): void {
    this.#film?.setSpeed(this.rate / (this.#recorded ?? this.rate));
    if (this.#clock) this.#tick();
  }

  play(): void {
    this.halt();
    if (!this.#project()) this.#tick();
  }

  halt(): void {
    if (this.#clock) clearInterval(this.#clock);
    this.#clock = null;
    this.#film?.stop();
    this.#film = null;
  }

  get #recorded(): number | null {
    const { series, index } = this.screen.place();
    return series.slices[index]?.rate ?? null;
  }

  #tick(): void {
    if (this.#clock) clearInterval(this.#clock);
    this.#clock = setInterval(() => {
      const { series, index } = this.screen.place();
      const { first, count } = clipAt(series, index);
      const next = first + stepped(index - first, 1, count, true);
      const slice = series.slices[next];
      if (slice && next !== index && this.screen.isHere(slice)) this.screen.turnTo(next);
    }, 1000 / this.rate);
  }

  /** Begin the video of what moves, unless all of its pictures are here or the line is fast. Whether it begins. */
  #project(): boolean {
    const { series, index } = this.screen.place();
    const { first, count } = clipAt(series, index);
    const clip = series.slices.slice(first, first + count);
    const [path, rate] = [series.slices[index]?.film, this.#recorded];
    if (!path || !rate || !this.projector.line.isThin || clip.every((one) => this.screen.isHere(one))) return false;
    this.#film = this.projector.film(path);
    this.#film?.play({
      from: (index - first) / rate,
      speed: this.rate / rate,
      shown: (picture, size, seconds) => {
        this.screen.project(picture, size, first + Math.min(Math.round(seconds * rate), count - 1));
      },
      failed: () => {
        for (const one of clip) one.film = "";
        this.play();
      },
    });
    return this.#film !== null;
  }
}
