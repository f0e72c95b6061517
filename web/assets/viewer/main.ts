// Ties the viewer to its part of the page; see studies/_viewer.html.jinja. Fetched only where a page has one.
import { Controller } from "@hotwired/stimulus";
import { type Drag, listen } from "./gestures";
import { Painter } from "./painter";
import { nameSides } from "./sides";
import { Geometries, type SeriesGeometry } from "./slice_geometry";
import { pictureIn, sourcesFor } from "./sources";
import { type Manifest, seriesOf } from "./stack";
import { Viewer } from "./viewer";

/** What dragging does; any other name is a tool of someone who listens to `viewer:tool`. */
type Tool = "window" | "pan" | "scroll" | (string & {});
type Words = Record<"slice" | "window" | "preview" | "loading" | "failed" | "hidden" | "sides", string>;

/** Tools by their keys. */
const TOOL_KEYS: Record<string, Tool> = { w: "window", m: "pan", s: "scroll", l: "length", a: "angle", o: "area" };
const ZOOM_STEP = 1.25;
const KEY_PIXELS = 24;

export default class ViewerController extends Controller<HTMLElement> {
  static override targets = [
    ...["stage", "still", "canvas", "message", "place", "levels", "quality", "gap"],
    ...["slider", "series", "preset", "tool", "invert", "player", "cine", "rate", "edge"],
  ];
  static override values = { manifest: Object, words: Object };
  declare readonly manifestValue: Manifest;
  declare readonly wordsValue: Words;
  declare readonly stageTarget: HTMLElement;
  declare readonly stillTargets: HTMLImageElement[];
  declare readonly canvasTarget: HTMLCanvasElement;
  declare readonly messageTarget: HTMLElement;
  declare readonly placeTarget: HTMLElement;
  declare readonly levelsTarget: HTMLElement;
  declare readonly qualityTarget: HTMLElement;
  declare readonly gapTarget: HTMLElement;
  declare readonly sliderTarget: HTMLInputElement;
  declare readonly seriesTargets: HTMLElement[];
  declare readonly presetTarget: HTMLSelectElement;
  declare readonly toolTargets: HTMLElement[];
  declare readonly invertTarget: HTMLElement;
  declare readonly playerTarget: HTMLElement;
  declare readonly cineTarget: HTMLElement;
  declare readonly rateTarget: HTMLInputElement;
  declare readonly edgeTargets: HTMLElement[];
  #viewer!: Viewer;
  /** Where the slices of each series lie in the patient. */
  geometries!: Geometries;
  #geometry: SeriesGeometry | null = null;
  #geometryOf = "";
  #tool: Tool = "window";
  #scrolled = 0;
  #end = new AbortController();

  /** For what stands beside it: `viewer:changed` on this element says when to look again. */
  get viewer(): Viewer {
    return this.#viewer;
  }

  override connect(): void {
    this.#end = new AbortController();
    const painter = new Painter(this.canvasTarget);
    const series = seriesOf(this.manifestValue);
    const counts = new Map(series.map(({ uid, slices }) => [uid, slices.length]));
    this.geometries = new Geometries(this.manifestValue.path, this.manifestValue.id, counts);
    const sources = sourcesFor(this.manifestValue.id, this.element.closest("[data-controller~=room]") !== null);
    this.#viewer = new Viewer(series, sources, painter, () => this.#tell());
    const [still] = this.stillTargets;
    const picture = still?.dataset.sop === this.#viewer.slice.sop ? pictureIn(still.src) : null;
    if (picture) sources.previews.put({ slice: this.#viewer.slice, picture });
    const online = (): void => {
      if (!this.#geometry) this.#geometryOf = "";
      this.#viewer.reconnect();
    };
    addEventListener("online", online, { signal: this.#end.signal });
    this.#end.signal.addEventListener("abort", () => sources.stop());
    const drag = (kind: Drag, right: number, down: number): void => this.#drag(kind, right, down);
    const acts = {
      drag,
      pinch: (factor: number, middle: { x: number; y: number }, right: number, down: number) => {
        this.#viewer.zoom(factor, middle);
        this.#viewer.move(right, down);
      },
      wheel: (steps: number, zooms: boolean, at: { x: number; y: number }) => {
        if (zooms || this.#viewer.series.slices.length === 1) this.#viewer.zoom(ZOOM_STEP ** -steps, at);
        else this.#viewer.step(steps);
      },
      end: () => {
        this.#scrolled = 0;
      },
    };
    listen(this.stageTarget, acts, this.#end.signal);
    const watched = new ResizeObserver(() => this.#viewer.draw());
    watched.observe(this.stageTarget);
    this.#end.signal.addEventListener("abort", () => watched.disconnect());
    this.#viewer.start();
    if (!isUsed(document)) this.stageTarget.focus({ preventScroll: true });
  }

  override disconnect(): void {
    this.#end.abort();
    this.#viewer.stop();
  }

  openSeries({ params }: { params: { index: number } }): void {
    this.presetTarget.value = "";
    this.#viewer.openSeries(params.index);
  }

  useTool({ params }: { params: { tool: Tool } }): void {
    this.#tool = params.tool;
    for (const button of this.toolTargets) {
      button.setAttribute("aria-pressed", String(button.dataset.viewerToolParam === params.tool));
    }
    this.dispatch("tool", { detail: { tool: params.tool } });
  }

  usePreset(): void {
    const { value } = this.presetTarget;
    if (value === "auto") this.#viewer.setAutomaticLevel();
    else if (value === "") this.#viewer.setLevel(null);
    else {
      const [center = 0, width = 1] = value.split(",").map(Number);
      this.#viewer.setLevel({ center, width });
    }
  }

  zoomIn(): void {
    this.#viewer.zoom(ZOOM_STEP);
  }

  zoomOut(): void {
    this.#viewer.zoom(1 / ZOOM_STEP);
  }

  fit(): void {
    this.#viewer.fit();
  }

  turn(): void {
    this.#viewer.turn();
  }

  invert(): void {
    this.#viewer.invert();
  }

  reset(): void {
    this.presetTarget.value = "";
    this.#viewer.reset();
  }

  cine(): void {
    if (this.#viewer.isPlaying) this.#viewer.pause();
    else this.#viewer.play();
  }

  /** So many images a second as were typed. */
  setRate(): void {
    const rate = this.rateTarget.valueAsNumber;
    if (Number.isFinite(rate)) this.#viewer.setRate(rate);
    this.#tellRate();
  }

  slide(): void {
    this.#viewer.goTo(Number(this.sliderTarget.value) - 1);
  }

  press(event: KeyboardEvent): void {
    if (event.altKey || event.metaKey) return;
    const act = this.#actOf(event);
    if (!act) return;
    event.preventDefault();
    act();
  }

  #actOf({ key, shiftKey, ctrlKey }: KeyboardEvent): (() => void) | undefined {
    const viewer = this.#viewer;
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const arrow = arrows[key];
    if (arrow) {
      const [right, down] = arrow;
      if (shiftKey) return () => this.#window(right * KEY_PIXELS, down * KEY_PIXELS);
      if (ctrlKey) return () => viewer.move(right * KEY_PIXELS, down * KEY_PIXELS);
      return () => viewer.step(right + down);
    }
    const acts: Record<string, () => void> = {
      PageUp: () => viewer.step(-10),
      PageDown: () => viewer.step(10),
      Home: () => viewer.goTo(0),
      End: () => viewer.goTo(viewer.series.slices.length - 1),
      "+": () => this.zoomIn(),
      "=": () => this.zoomIn(),
      "-": () => this.zoomOut(),
      "0": () => this.fit(),
      i: () => this.invert(),
      t: () => this.turn(),
      r: () => this.reset(),
      "?": () => this.element.querySelector<HTMLElement>("[popovertarget=viewer-help]")?.click(),
      " ": () => this.cine(),
      "<": () => viewer.setRate(Math.round(viewer.rate) - 1),
      ">": () => viewer.setRate(Math.round(viewer.rate) + 1),
    };
    if (ctrlKey) return undefined;
    const name = key.length === 1 ? key.toLowerCase() : key;
    return acts[name] ?? this.#toolAt(name);
  }

  #toolAt(key: string): (() => void) | undefined {
    const tool = TOOL_KEYS[key];
    const button = this.toolTargets.find(({ dataset }) => tool && dataset.viewerToolParam === tool);
    return button && (() => button.click());
  }

  #drag(kind: Drag, right: number, down: number): void {
    if (kind === "zoom") this.#viewer.zoom(1 + down / -200);
    else if (kind === "pan" || this.#tool === "pan") this.#viewer.move(right, down);
    else if (this.#tool === "scroll") this.#scroll(down);
    else if (this.#tool === "window") this.#window(right, down);
  }

  #window(right: number, down: number): void {
    this.presetTarget.value = "";
    this.#viewer.dragLevel(right, down);
  }

  /** A drag over the whole stage goes through the whole series, but no faster than a slice every six pixels. */
  #scroll(down: number): void {
    const pixels = Math.max(this.stageTarget.clientHeight / this.#viewer.series.slices.length, 6);
    this.#scrolled += down / pixels;
    const steps = Math.trunc(this.#scrolled);
    if (steps === 0) return;
    this.#scrolled -= steps;
    this.#viewer.step(steps);
  }

  /** Say on the page what the viewer shows. */
  #tell(): void {
    const { series, seriesIndex, index, seen, shown, inverted, isPlaying, reason } = this.#viewer;
    const words = this.wordsValue;
    const count = series.slices.length;
    const visible = shown === "preview" || shown === "full";
    const place = words.slice.replace("{n}", String(index + 1)).replace("{of}", String(count));
    this.placeTarget.textContent = [series.title, place].filter(Boolean).join(" · ");
    this.levelsTarget.textContent = seen
      ? words.window.replace("{width}", seen.width.toFixed(0)).replace("{center}", seen.center.toFixed(0))
      : "";
    setText(this.qualityTarget, shown === "preview" ? words.preview : "");
    const message = { nothing: words.loading, failed: words.failed, hidden: `${words.hidden} ${reason}` };
    const isSilent = shown === "preview" || shown === "full" || this.#viewer.isAboutToShow;
    setText(this.messageTarget, isSilent ? "" : message[shown]);
    this.sliderTarget.max = String(Math.max(count, 1));
    this.sliderTarget.value = String(index + 1);
    this.playerTarget.hidden = count < 2;
    if (document.activeElement !== this.rateTarget) this.#tellRate();
    for (const [at, button] of this.seriesTargets.entries()) {
      button.setAttribute("aria-pressed", String(at === seriesIndex));
    }
    this.invertTarget.setAttribute("aria-pressed", String(inverted));
    this.cineTarget.setAttribute("aria-pressed", String(isPlaying));
    if (visible) {
      this.canvasTarget.dataset.ready = "true";
      for (const still of this.stillTargets) still.remove();
    }
    if (shown === "full" || shown === "hidden") this.canvasTarget.dataset.shown = shown;
    else delete this.canvasTarget.dataset.shown;
    if (visible) this.#nameSides();
    this.dispatch("changed");
  }

  #tellRate(): void {
    this.rateTarget.value = String(Math.round(this.#viewer.rate));
  }

  /** Once a picture stands: which side is which, and how high its pixels are. */
  #nameSides(): void {
    const { series, index, view } = this.#viewer;
    if (this.#geometryOf !== series.uid) void this.#learn(series.uid);
    const orientation = this.#geometry?.slices[index]?.orientation ?? null;
    nameSides(this.edgeTargets, orientation, view.turn, this.wordsValue.sides.split(" "));
  }

  async #learn(series: string): Promise<void> {
    this.#geometryOf = series;
    this.#geometry = null;
    this.gapTarget.hidden = true;
    const geometry = await this.geometries.of(series).catch(() => null);
    if (this.#geometryOf !== series) return;
    this.#geometry = geometry;
    this.gapTarget.hidden = !geometry?.lacks_slice;
    const told = geometry?.slices.map(({ spacing, rate }) => ({ aspect: spacing ? spacing[0] / spacing[1] : 1, rate }));
    if (told) this.#viewer.learn(series, told);
  }
}

/** Whether someone has the focus on something, or a dialog is open: its keys are not the viewer's. */
function isUsed({ activeElement, body }: Document): boolean {
  const isElsewhere = activeElement !== null && activeElement !== body;
  return isElsewhere || document.querySelector("dialog[open]") !== null;
}

/** Change a live region only when there is something new to say. */
function setText(element: HTMLElement, text: string): void {
  if (element.textContent !== text) element.textContent = text;
  element.hidden = text === "";
}
