// The page of a series in three planes; see studies/planes.html.jinja. A script of its own: no other page fetches a byte
// of it, and leaving the page frees all of its memory.
import { Decoders } from "./decoders";
import { Numbers } from "./numbers";
import { type Limits, type Manifest, type Plan, planned } from "./plan";
import { NotShown, Slices } from "./slices";
import type { Plane, Stage, Tool, Window } from "./stage";
import { Values } from "./values";

type Drawing = typeof import("./stage");
type Words = Record<
  "progress" | "point" | "window" | "halved" | "tooLarge" | "noGraphics" | "failed" | "sides" | "HU" | "leave",
  string
>;

const MB = 1_000_000;
const LIMIT = 1024 * MB;
const LIMIT_ON_PHONES = 256 * MB;
/** GiB of memory and CSS pixels of the shorter side, up to which a machine counts as a phone. */
const PHONE_MEMORY = 2;
const PHONE_PIXELS = 500;
/** Up to here a phone fetches without being told to. */
const SMALL_DOWNLOAD = 30 * MB;
/** Of a sample that is fetched, at the most. */
const BYTES_A_SAMPLE = 2;
const DECODERS = 2;
const ZOOM_STEP = 1.25;
const KEY_PIXELS = 24;
/** DICOM's letters of the sides, in the order in which the reader's own are given. */
const SIDES = ["R", "L", "A", "P", "H", "F"];
const WINDOW_STEP = 0.05;
/** Of its width, by which a window may differ and still be the same. */
const SAME_WINDOW = 0.01;
/** Of the list of windows: what someone set by hand. */
const BY_HAND = "hand";
/** Tools by their keys, the viewer's. */
const TOOL_KEYS: Record<string, Tool> = { w: "window", m: "pan", s: "scroll", l: "length", a: "angle", c: "crosshair" };

class Page {
  readonly #manifest: Manifest;
  readonly #words: Words;
  readonly #numbers = new Numbers(document.documentElement.lang || "en");
  #stage: Stage | null = null;
  #loading = new AbortController();
  /** The window of the middle slice, and one over nearly all values. */
  #own = { center: 0, width: 1 };
  #automatic = { center: 0, width: 1 };
  /** Whether large values are recorded to be dark (MONOCHROME1). */
  #isInverted = false;

  constructor(private readonly root: HTMLElement) {
    this.#manifest = JSON.parse(root.dataset.manifest ?? "") as Manifest;
    this.#words = JSON.parse(root.dataset.words ?? "") as Words;
    root.addEventListener("click", ({ target }) => {
      const button = (target as Element).closest<HTMLElement>("[data-act]");
      if (button) this.#act(button.dataset.act ?? "", button);
    });
    this.#part("preset").addEventListener("change", ({ target }) => this.#preset((target as HTMLSelectElement).value));
    for (const pane of this.#panes) {
      pane.addEventListener("keydown", (event) => this.#press(event, pane.dataset.plane as Plane));
      pane.addEventListener("contextmenu", (event) => event.preventDefault());
    }
    new ResizeObserver(() => this.#stage?.resize()).observe(this.#part("stage"));
    for (const leaves of ["beforeunload", "turbo:before-visit"]) {
      addEventListener(leaves, (event) => this.#leave(event));
    }
    const plan = this.#planned(Number.POSITIVE_INFINITY);
    if (plan?.halvings) this.#part("download").textContent = this.#part("download").dataset.halved ?? "";
    if (plan && (isSpared() || (isPhone() && downloadOf(plan) > SMALL_DOWNLOAD))) this.#ask();
    else if (plan) void this.#load();
  }

  #part<T extends HTMLElement>(name: string): T {
    const found = this.root.querySelector<T>(`[data-part=${name}]`);
    if (!found) throw new Error(`no ${name}`);
    return found;
  }

  get #panes(): HTMLElement[] {
    return [...this.root.querySelectorAll<HTMLElement>("[data-plane]")];
  }

  /** Before much is fetched: how much it is stands on the page already. */
  #ask(): void {
    this.#part("waiting").dataset.state = "asking";
  }

  async #load(): Promise<void> {
    this.#loading = new AbortController();
    const { signal } = this.#loading;
    const decoders = new Decoders(DECODERS);
    this.#part("waiting").dataset.state = "loading";
    this.#said("");
    try {
      // Named by the page: what imports it by name would share Vite's loader with every other page, as one more file.
      const drawing: Promise<Drawing> = import(/* @vite-ignore */ this.root.dataset.stage ?? "");
      const plan = this.#planned((await drawing).longestSide());
      if (!plan) return;
      const values = await this.#fetched(plan, decoders, signal);
      await this.#open(await drawing, plan, values);
    } catch (error) {
      if (!signal.aborted) this.#refuse(error instanceof NotShown ? error.message : this.#words.failed);
    } finally {
      decoders.stop();
    }
  }

  #planned(side: number): Plan | null {
    const limits: Limits = { memory: isPhone() ? LIMIT_ON_PHONES : LIMIT, side };
    const plan = side > 0 ? planned(this.#manifest, limits) : null;
    if (!plan) this.#refuse(side > 0 ? this.#words.tooLarge : this.#words.noGraphics, false);
    else if (plan.halvings) this.#part("halved").hidden = false;
    return plan;
  }

  async #fetched(plan: Plan, decoders: Decoders, signal: AbortSignal): Promise<Values> {
    const [columns, rows, slices] = plan.size;
    const values = new Values(columns * rows, slices);
    const bar = this.#part<HTMLProgressElement>("progress");
    bar.max = slices;
    bar.value = 0;
    let here = 0;
    await new Slices(this.#manifest, plan, decoders).fetch((place, slice) => {
      values.put(place, slice);
      const { window_center: center, window_width: width, is_inverted } = slice.description;
      if (place === slices >> 1) this.#own = { center, width };
      this.#isInverted = is_inverted;
      bar.value = ++here;
      this.#said(this.#words.progress.replace("{n}", String(here)).replace("{of}", String(slices)));
    }, signal);
    return values;
  }

  async #open(drawing: Drawing, plan: Plan, values: Values): Promise<void> {
    const elements = Object.fromEntries(
      this.#panes.map((pane) => [pane.dataset.plane, pane.querySelector(".plane-image")]),
    ) as Record<Plane, HTMLDivElement>;
    this.#automatic = values.window();
    this.#part("waiting").dataset.state = "shown";
    this.#stage = await drawing.Stage.open(elements, this.#manifest, plan, values.content, () => this.#tell());
    this.#stage.setWindow(this.#own);
    if (this.#isInverted) this.#stage.invert();
    this.#part<HTMLSelectElement>("preset").value = "";
    this.root.dataset.ready = "true";
    const { activeElement, body } = document;
    if (!activeElement || activeElement === body) {
      this.#panes.find(({ dataset }) => dataset.plane === this.root.dataset.chosen)?.focus({ preventScroll: true });
    }
    this.#tell();
  }

  /** Says what is wrong and what to do next. */
  #refuse(sentence: string, isWorthTrying = true): void {
    this.#part("waiting").dataset.state = isWorthTrying ? "failed" : "refused";
    this.#said(sentence);
  }

  #said(sentence: string): void {
    this.#part("said").textContent = sentence;
  }

  #act(act: string, button: HTMLElement): void {
    const acts: Record<string, () => void> = {
      load: () => void this.#load(),
      cancel: () => {
        this.#loading.abort();
        this.#said("");
        this.#ask();
      },
      tool: () => {
        this.#stage?.use(button.dataset.tool as Tool);
        press(this.root.querySelectorAll("[data-tool]"), button);
      },
      plane: () => {
        this.root.dataset.chosen = button.dataset.shows;
        press(this.root.querySelectorAll("[data-shows]"), button);
      },
      in: () => this.#zoom(ZOOM_STEP),
      out: () => this.#zoom(1 / ZOOM_STEP),
      invert: () => this.#stage?.invert(),
      unmark: () => this.#stage?.removeMark(),
      reset: () => this.#reset(),
    };
    acts[act]?.();
    this.#tell();
  }

  #zoom(factor: number): void {
    for (const { dataset } of this.#panes) this.#stage?.zoom(dataset.plane as Plane, factor);
  }

  #reset(): void {
    const stage = this.#stage;
    if (!stage) return;
    stage.reset();
    stage.setWindow(this.#own);
    if (stage.isInverted !== this.#isInverted) stage.invert();
    this.#part<HTMLSelectElement>("preset").value = "";
    this.#tell();
  }

  #preset(value: string): void {
    this.#stage?.setWindow(this.#windowOf(value));
  }

  /** Of an entry of the list of windows. */
  #windowOf(value: string): Window {
    if (value === "") return this.#own;
    if (value === "auto") return this.#automatic;
    const [center = 0, width = 1] = value.split(",").map(Number);
    return { center, width };
  }

  /** Whoever has measured is asked before it is lost. */
  #leave(event: Event): void {
    if (!this.root.isConnected || !this.#stage?.marks) return;
    if (event.type === "beforeunload" || !confirm(this.#words.leave)) event.preventDefault();
  }

  #press(event: KeyboardEvent, plane: Plane): void {
    if (event.altKey || event.metaKey || !this.#stage) return;
    const act = this.#actOf(event, plane, this.#stage);
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** The keys of the viewer. */
  #actOf({ key, shiftKey, ctrlKey }: KeyboardEvent, plane: Plane, stage: Stage): (() => void) | undefined {
    const arrows: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const arrow = arrows[key];
    if (arrow) {
      const [right, down] = arrow;
      if (ctrlKey) return () => stage.move(plane, right * KEY_PIXELS, down * KEY_PIXELS);
      if (!shiftKey) return () => stage.step(plane, right + down);
      const { center, width } = stage.window;
      const by = { center: center + down * WINDOW_STEP * width, width: width * (1 + right * WINDOW_STEP) };
      return () => stage.setWindow(by);
    }
    const acts: Record<string, () => void> = {
      PageUp: () => stage.step(plane, -10),
      PageDown: () => stage.step(plane, 10),
      "+": () => stage.zoom(plane, ZOOM_STEP),
      "=": () => stage.zoom(plane, ZOOM_STEP),
      "-": () => stage.zoom(plane, 1 / ZOOM_STEP),
      i: () => stage.invert(),
      r: () => this.#reset(),
      Delete: () => stage.removeMark(),
      "?": () => this.#part("help").click(),
    };
    const name = key.length === 1 ? key.toLowerCase() : key;
    if (ctrlKey) return undefined;
    const tool = TOOL_KEYS[name];
    const button = tool && this.root.querySelector<HTMLElement>(`[data-tool=${tool}]`);
    return button ? () => button.click() : acts[name];
  }

  /** Says on the page what is seen. */
  #tell(): void {
    const stage = this.#stage;
    if (!stage) return;
    const own = this.#words.sides.split(" ");
    for (const pane of this.#panes) {
      const plane = pane.dataset.plane as Plane;
      const { edges, isSlice, isOblique } = stage.seen(plane);
      for (const name of this.root.querySelectorAll(`[data-name-of=${plane}]`)) {
        name.toggleAttribute("data-turned", isOblique);
      }
      for (const edge of pane.querySelectorAll<HTMLElement>("[data-edge]")) {
        const written = edges[edge.dataset.edge as keyof typeof edges];
        edge.textContent = [...written].map((letter) => own[SIDES.indexOf(letter)] ?? letter).join("");
      }
      const computed = pane.querySelector<HTMLElement>("[data-computed]");
      if (computed) computed.hidden = isSlice;
    }
    const { at, value } = stage.point;
    const [left, back, up] = at.map((one) => this.#numbers.fixed(one, 1));
    const unit = this.#manifest.unit === "HU" ? this.#words.HU : this.#manifest.unit;
    const there = value === undefined ? "" : ` · ${this.#numbers.rounded(value, 4)} ${unit}`;
    const point = this.#words.point
      .replace("{x}", left ?? "")
      .replace("{y}", back ?? "")
      .replace("{z}", up ?? "");
    this.#part("point").textContent = point + there;
    const { center, width } = stage.window;
    this.#part("levels").textContent = this.#words.window
      .replace("{width}", this.#numbers.fixed(width, 0))
      .replace("{center}", this.#numbers.fixed(center, 0));
    const list = this.#part<HTMLSelectElement>("preset");
    if (list.value !== BY_HAND && !areSame(this.#windowOf(list.value), stage.window)) list.value = BY_HAND;
    this.#part("invert").setAttribute("aria-pressed", String(stage.isInverted));
    this.#part<HTMLButtonElement>("unmark").disabled = stage.marks === 0;
    this.#part("unkept").hidden = stage.marks === 0;
  }
}

function press(buttons: Iterable<Element>, pressed: Element): void {
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
}

function areSame(one: Window, other: Window): boolean {
  const off = Math.max(Math.abs(one.center - other.center), Math.abs(one.width - other.width));
  return off <= SAME_WINDOW * one.width;
}

/** Bytes, at the most. */
function downloadOf({ size: [columns, rows, slices] }: Plan): number {
  return columns * rows * slices * BYTES_A_SAMPLE;
}

function isPhone(): boolean {
  const { deviceMemory } = navigator as { deviceMemory?: number };
  if (deviceMemory !== undefined && deviceMemory <= PHONE_MEMORY) return true;
  return Math.min(screen.width, screen.height) <= PHONE_PIXELS;
}

/** Whether the person wants little fetched. */
function isSpared(): boolean {
  const { saveData } = (navigator as { connection?: { saveData?: boolean } }).connection ?? {};
  return saveData === true;
}

for (const root of document.querySelectorAll<HTMLElement>("[data-planes]")) new Page(root);
