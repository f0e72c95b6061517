// What is looked at, and how: the state of the viewer and every act on it. It knows frames and a painter, no page.
import { type Frames, NotShown } from "./frames";
import { carried, fitted, moved, type Point, type Size, turned, type View, zoomed } from "./geometry";
import { nearest, type Series, type Slice, stepped } from "./stack";
import { autoLevel, draggedLevel, type Frame, type Level, ownLevel } from "./windowing";

/** How much of the current slice is on the screen. */
export type Shown = "nothing" | "preview" | "full" | "hidden" | "failed";

/** What someone looks at, in terms that hold on any screen: no pixel of the stage is in it. */
export interface Looking {
  /** Series Instance UID. */
  series: string;
  /** SOP Instance UID and frame, from 1. */
  sop: string;
  frame: number;
  level: Level | null;
  view: View;
  inverted: boolean;
}

export interface Canvas {
  readonly stage: Size;
  setFrame(frame: Frame, level: Level): void;
  setPicture(picture: ImageBitmap): void;
  clear(): void;
  draw(view: View, image: Size, inverted: boolean): void;
}

const AHEAD = 6;
const AHEAD_PLAYING = 40;
const FRAMES_PER_SECOND = 15;
const RETRY_MS = 3000;

export class Viewer {
  index = 0;
  /** The window someone chose; null: each frame's own. */
  level: Level | null = null;
  inverted = false;
  shown: Shown = "nothing";
  /** Why the slice cannot be shown. */
  reason = "";
  view: View;
  #series = 0;
  #direction: 1 | -1 = 1;
  #frame: Frame | null = null;
  #load = new AbortController();
  #playing: ReturnType<typeof setInterval> | null = null;

  constructor(
    private readonly all: readonly Series[],
    private readonly frames: Frames,
    private readonly canvas: Canvas,
    private readonly changed: () => void,
    private readonly decode: (blob: Blob) => Promise<ImageBitmap> = (blob) => createImageBitmap(blob),
  ) {
    this.view = fitted(this.image);
  }

  get series(): Series {
    return this.all[this.#series] ?? { uid: "", title: "", modality: "", slices: [], moves: false };
  }

  get slice(): Slice {
    return this.series.slices[this.index] ?? { path: "", sop: "", frame: 1, width: 0, height: 0, hidden: "" };
  }

  get stage(): Size {
    return this.canvas.stage;
  }

  get looking(): Looking {
    const { series, slice, level, view, inverted } = this;
    return { series: series.uid, sop: slice.sop, frame: slice.frame, level, view, inverted };
  }

  get seriesIndex(): number {
    return this.#series;
  }

  get isPlaying(): boolean {
    return this.#playing !== null;
  }

  /** The window that is seen; null for colour, and until the samples are here. */
  get seen(): Level | null {
    if (this.#frame?.description.samples !== 1) return null;
    return this.level ?? ownLevel(this.#frame.description);
  }

  get image(): Size {
    return { width: this.slice.width || 1, height: this.slice.height || 1 };
  }

  start(): void {
    void this.#show();
  }

  stop(): void {
    this.pause();
    this.#load.abort();
  }

  openSeries(series: number): void {
    if (series === this.#series || !this.all[series]) return;
    this.pause();
    this.#series = series;
    this.index = 0;
    this.level = null;
    this.view = fitted(this.image);
    void this.#show();
  }

  /** Show what another looks at; what is not in this study is left alone. */
  look({ series: uid, sop, frame, level, view, inverted }: Looking): void {
    const series = this.all.findIndex((one) => one.uid === uid);
    const index = this.all[series]?.slices.findIndex((one) => one.sop === sop && one.frame === frame) ?? -1;
    if (index < 0) return;
    const moves = series !== this.#series || index !== this.index;
    if (moves) {
      if (series !== this.#series) this.pause();
      else this.#direction = index < this.index ? -1 : 1;
      this.#series = series;
      this.index = index;
    }
    this.level = level;
    this.view = view;
    this.inverted = inverted;
    if (moves) void this.#show();
    else this.setLevel(level);
  }

  step(by: number, round = false): void {
    this.goTo(stepped(this.index, by, this.series.slices.length, round), by < 0 ? -1 : 1);
  }

  goTo(index: number, direction: 1 | -1 = index < this.index ? -1 : 1): void {
    if (index === this.index || !this.series.slices[index]) return;
    const before = this.image;
    this.#direction = direction;
    this.index = index;
    this.view = carried(this.view, before, this.image);
    void this.#show();
  }

  setLevel(level: Level | null): void {
    this.level = level;
    if (this.#frame) this.canvas.setFrame(this.#frame, level ?? ownLevel(this.#frame.description));
    this.draw();
  }

  setAutomaticLevel(): void {
    if (this.#frame?.description.samples === 1) this.setLevel(autoLevel(this.#frame));
  }

  dragLevel(right: number, down: number): void {
    if (this.seen) this.setLevel(draggedLevel(this.seen, right, down));
  }

  zoom(factor: number, point: Point = { x: this.canvas.stage.width / 2, y: this.canvas.stage.height / 2 }): void {
    this.view = zoomed(this.view, factor, point, this.image, this.canvas.stage);
    this.draw();
  }

  move(right: number, down: number): void {
    this.view = moved(this.view, right, down, this.image, this.canvas.stage);
    this.draw();
  }

  fit(): void {
    this.view = fitted(this.image, this.view.turn);
    this.draw();
  }

  /** A quarter turn clockwise. */
  turn(): void {
    this.view = turned(this.view);
    this.draw();
  }

  invert(): void {
    this.inverted = !this.inverted;
    this.draw();
  }

  reset(): void {
    this.inverted = false;
    this.view = fitted(this.image);
    this.setLevel(null);
  }

  play(): void {
    this.#playing ??= setInterval(() => {
      const next = stepped(this.index, 1, this.series.slices.length, true);
      const slice = this.series.slices[next];
      if (slice && (slice.hidden || this.frames.held(slice))) this.goTo(next, 1);
    }, 1000 / FRAMES_PER_SECOND);
    void this.#show();
  }

  pause(): void {
    if (this.#playing) clearInterval(this.#playing);
    this.#playing = null;
    this.changed();
  }

  draw(): void {
    this.canvas.draw(this.view, this.image, this.inverted);
    this.changed();
  }

  /** Show the slice with the best there is, then with better, then fetch its neighbours. A newer call ends this one. */
  async #show(): Promise<void> {
    this.#load.abort();
    this.#load = new AbortController();
    const { signal } = this.#load;
    const slice = this.slice;
    this.#frame = null;
    this.reason = slice.hidden;
    if (slice.hidden || !slice.path) {
      this.#blank("hidden");
    } else {
      try {
        await this.#fetch(slice, signal);
      } catch (error) {
        this.#fail(error, signal);
      }
    }
    await this.#prefetch(signal);
  }

  async #fetch(slice: Slice, signal: AbortSignal): Promise<void> {
    if (!this.frames.held(slice)) {
      this.shown = "nothing";
      this.changed();
      const picture = await this.decode(await this.frames.picture(slice, this.level, signal));
      if (signal.aborted) return;
      this.canvas.setPicture(picture);
      this.shown = "preview";
      this.draw();
    }
    const frame = this.frames.held(slice) ?? (await this.frames.samples(slice, signal));
    if (signal.aborted) return;
    this.#frame = frame;
    this.shown = "full";
    this.setLevel(this.level);
  }

  #fail(error: unknown, signal: AbortSignal): void {
    if (signal.aborted) return;
    if (error instanceof NotShown) {
      this.reason = error.message;
      this.#blank("hidden");
      return;
    }
    this.shown = this.shown === "preview" ? "preview" : "failed";
    this.changed();
    setTimeout(() => {
      if (!signal.aborted) void this.#show();
    }, RETRY_MS);
  }

  #blank(shown: Shown): void {
    this.shown = shown;
    this.canvas.clear();
    this.draw();
  }

  async #prefetch(signal: AbortSignal): Promise<void> {
    const { slices } = this.series;
    const count = this.isPlaying ? AHEAD_PLAYING : AHEAD;
    for (const at of nearest(this.index, slices.length, count, this.#direction)) {
      const slice = slices[at];
      if (signal.aborted || !slice) return;
      if (!slice.hidden) await this.frames.samples(slice, signal).catch(() => undefined);
    }
  }
}
