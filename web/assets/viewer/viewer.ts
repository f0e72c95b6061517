// What is looked at, and how: the state of the viewer and every act on it. It knows frames and a painter, no page.
import { Cine, type Projector } from "./cine";
import { carried, fitted, moved, type Point, type Size, turned, type View, zoomed } from "./geometry";
import { NOWHERE, type Series, type Slice, stepped } from "./stack";
import { type Sources, Supply } from "./supply";
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
  setFilm(picture: CanvasImageSource, size: Size): void;
  clear(): void;
  draw(view: View, image: Size, inverted: boolean): void;
}

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
  /** Of the picture that is shown, its longer side. */
  #pictured = 0;
  readonly #supply: Supply;
  readonly #cine: Cine;

  constructor(
    private readonly all: readonly Series[],
    private readonly sources: Sources & Projector,
    private readonly canvas: Canvas,
    private readonly changed: () => void,
    private readonly decode: (blob: Blob) => Promise<ImageBitmap> = (blob) => createImageBitmap(blob),
  ) {
    this.view = fitted(this.image);
    this.#cine = new Cine(
      {
        place: () => this,
        isHere: (slice) => this.#isHere(slice),
        turnTo: (index) => this.#turnTo(index, 1),
        project: (picture, size, index) => this.#showFilm(picture, size, index),
      },
      sources,
    );
    this.#supply = new Supply(sources, {
      isWorth: (pixels) => this.level !== null || pixels > this.#pictured,
      pictured: (slice) => {
        if (slice === this.slice && !this.#frame) void this.#showPicture(slice);
      },
      sharpened: (slice, frame, isWhole) => {
        if (slice === this.slice) this.#showFrame(frame, isWhole);
      },
      refused: (slice) => {
        if (slice === this.slice) this.#showBest();
      },
      failed: () => {
        if (this.shown === "nothing") this.shown = "failed";
        this.changed();
      },
    });
  }

  get series(): Series {
    return this.all[this.#series] ?? NOWHERE;
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
    return this.#cine.isPlaying;
  }

  /** Pictures a second when it plays. */
  get rate(): number {
    return this.#cine.rate;
  }

  /** The window that is seen; null for colour, and until the samples are here. */
  get seen(): Level | null {
    if (this.#frame?.description.samples !== 1) return null;
    return this.level ?? ownLevel(this.#frame.description);
  }

  /** The samples once all of them are here: what may be measured. */
  get whole(): Frame | null {
    return this.shown === "full" ? this.#frame : null;
  }

  /** Whether a picture of the slice is here and will be drawn in a moment. */
  get isAboutToShow(): boolean {
    return this.shown === "nothing" && !!this.sources.previews.held(this.slice);
  }

  get image(): Size {
    return { width: this.slice.width || 1, height: this.slice.height || 1, aspect: this.slice.aspect ?? 1 };
  }

  /** What is known of each slice of a series by now; another series may be shown. */
  learn(series: string, told: readonly Pick<Slice, "aspect" | "rate">[]): void {
    const slices = this.all.find(({ uid }) => uid === series)?.slices ?? [];
    for (const [at, slice] of slices.entries()) Object.assign(slice, told[at]);
    this.#cine.pace();
    this.draw();
  }

  start(): void {
    this.#show();
  }

  stop(): void {
    this.#cine.halt();
    this.#supply.stop();
  }

  /** The line may be there again: try now. */
  reconnect(): void {
    this.#supply.again();
  }

  openSeries(series: number): void {
    if (series === this.#series || !this.all[series]) return;
    this.#cine.halt();
    this.#series = series;
    this.#cine.setRate(null);
    this.index = 0;
    this.level = null;
    this.view = fitted(this.image);
    this.#show();
  }

  /** Show what another looks at; what is not in this study is left alone. */
  look({ series: uid, sop, frame, level, view, inverted }: Looking): void {
    const series = this.all.findIndex((one) => one.uid === uid);
    const index = this.all[series]?.slices.findIndex((one) => one.sop === sop && one.frame === frame) ?? -1;
    if (index < 0) return;
    const moves = series !== this.#series || index !== this.index;
    if (moves) {
      this.#cine.halt();
      if (series === this.#series) this.#direction = index < this.index ? -1 : 1;
      this.#series = series;
      this.index = index;
    }
    this.level = level;
    this.view = view;
    this.inverted = inverted;
    if (moves) this.#show();
    else this.setLevel(level);
  }

  step(by: number, round = false): void {
    this.goTo(stepped(this.index, by, this.series.slices.length, round), by < 0 ? -1 : 1);
  }

  goTo(index: number, direction: 1 | -1 = index < this.index ? -1 : 1): void {
    if (index === this.index || !this.series.slices[index]) return;
    this.#cine.halt();
    this.#turnTo(index, direction);
  }

  #turnTo(index: number, direction: 1 | -1): void {
    const before = this.image;
    this.#direction = direction;
    this.index = index;
    this.view = carried(this.view, before, this.image);
    this.#show();
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
    this.#cine.play();
    if (this.#cine.isFilm) {
      this.#supply.stop();
      this.changed();
    } else this.#show();
  }

  /** The slice itself instead of its picture in the video. */
  pause(): void {
    const frame = this.#cine.isFilm ? this.sources.frames.held(this.slice) : null;
    this.#cine.halt();
    if (frame) this.#showFrame(frame, true);
    this.#look();
    this.changed();
  }

  /** So many pictures a second, within bounds. */
  setRate(rate: number): void {
    this.#cine.setRate(rate);
    this.changed();
  }

  draw(): void {
    this.canvas.draw(this.view, this.image, this.inverted);
    this.changed();
  }

  /** Show the slice with the best there is, and have better brought. */
  #show(): void {
    this.#frame = null;
    this.#pictured = 0;
    this.#showBest();
    this.#look();
  }

  #look(): void {
    const { series, index, isPlaying } = this;
    this.#supply.look({ series, index, direction: this.#direction, isPlaying });
  }

  #showBest(): void {
    const { slice } = this;
    const { frames } = this.sources;
    this.reason = slice.hidden || frames.refusal(slice) || "";
    if (this.reason || !slice.path) {
      this.shown = "hidden";
      this.canvas.clear();
      this.draw();
      return;
    }
    const frame = frames.held(slice);
    if (frame) this.#showFrame(frame, true);
    else {
      this.shown = "nothing";
      this.changed();
      void this.#showPicture(slice);
    }
  }

  #showFrame(frame: Frame, isWhole: boolean): void {
    this.#frame = frame;
    this.shown = isWhole ? "full" : "preview";
    this.setLevel(this.level);
  }

  async #showPicture(slice: Slice): Promise<void> {
    const blob = this.sources.previews.held(slice);
    if (!blob) return;
    const picture = await this.decode(blob).catch(() => null);
    if (!picture) {
      this.changed();
      return;
    }
    if (slice !== this.slice || this.#frame) {
      picture.close();
      return;
    }
    this.canvas.setPicture(picture);
    this.#pictured = Math.max(picture.width, picture.height);
    this.shown = "preview";
    this.draw();
  }

  #showFilm(picture: CanvasImageSource, size: Size, index: number): void {
    this.index = index;
    this.#frame = null;
    this.#pictured = Math.max(size.width, size.height);
    this.shown = "preview";
    this.canvas.setFilm(picture, size);
    this.draw();
  }

  #isHere(slice: Slice): boolean {
    const { frames, previews } = this.sources;
    return slice.hidden !== "" || frames.has(slice) || previews.has(slice);
  }
}
