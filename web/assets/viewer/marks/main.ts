// Measuring on the images: ties marks to the viewer they lie over; see studies/_marks.html.jinja.
import { Controller } from "@hotwired/stimulus";
import { type Point, toImage, toStage } from "../geometry";
import type ViewerController from "../main";
import type { SliceGeometry } from "../slice_geometry";
import type { Frame } from "../windowing";
import { Hand } from "./hand";
import { setHint, type Way } from "./hint";
import { Keeper, NotKept } from "./keeping";
import { type MarkList, showList } from "./list";
import { type Kind, measured, outline, POINTS, whyInPixels } from "./measures";
import { labelOf, sentenceOf, type Words } from "./saying";
import { isAt, isOwn, lineOf, type Mark, type Own, type Sent, Sheet, type Told } from "./sheet";
import { type Drawn, Sketch } from "./sketch";

const SAID_MS = 8000;

type Said = Words &
  Record<"noScale" | "outside" | "point" | "second" | "keepFailed" | "leave" | "there" | "delete", string>;

export default class MarksController extends Controller<HTMLElement> {
  static override targets = ["sheet", "stage", "hint", "list", "empty", "undo", "keep", "kept", "count", "failed"];
  static override values = { words: Object, url: String };
  declare readonly wordsValue: Said;
  declare readonly urlValue: string;
  declare readonly sheetTarget: SVGSVGElement;
  declare readonly stageTarget: HTMLElement;
  declare readonly hintTarget: HTMLElement;
  declare readonly listTarget: HTMLElement;
  declare readonly emptyTarget: HTMLElement;
  declare readonly undoTarget: HTMLButtonElement;
  declare readonly keepTargets: HTMLButtonElement[];
  declare readonly keptTarget: HTMLInputElement;
  declare readonly countTarget: HTMLElement;
  declare readonly failedTarget: HTMLElement;
  #sheet = new Sheet();
  #sketch!: Sketch;
  #hand!: Hand;
  #keeper!: Keeper;
  #slices: SliceGeometry[] = [];
  #slicesOf = "";
  #kind: Kind | null = null;
  #draft: { kind: Kind; points: Point[] } | null = null;
  /** With which samples each mark was measured. */
  readonly #seen = new WeakMap<Own, Frame | null>();
  #at = "";
  #silence: ReturnType<typeof setTimeout> | undefined;
  #end = new AbortController();

  override connect(): void {
    this.#end = new AbortController();
    const { signal } = this.#end;
    this.#keeper = new Keeper(this.urlValue);
    this.#sketch = new Sketch(this.sheetTarget, this.wordsValue);
    this.#hand = new Hand(
      this.stageTarget,
      this.sheetTarget,
      {
        kind: () => this.#kind,
        sketch: (kind, points) => this.#begin(kind, points),
        add: (kind, points) => this.#add(kind, points),
        cancel: () => this.#begin(null, []),
        move: (id, point, right, down) => this.#move(id, point, right, down),
        delete: (id) => this.#delete(id),
        undo: () => this.undo(),
      },
      signal,
    );
    const leave = (event: Event): void => this.#leave(event);
    addEventListener("beforeunload", leave, { signal });
    addEventListener("turbo:before-visit", leave, { signal });
    this.look();
    void this.#load();
  }

  override disconnect(): void {
    this.#end.abort();
  }

  /**
   * The reports in which everything stands that is to be seen on the slice that is shown; what was drawn here is kept
   * first. Not what somebody else is drawing. Throws NotKept, or what the network throws.
   */
  async keepHere(): Promise<string[]> {
    const place = this.#viewer?.looking;
    if (!place) return [];
    const [reports, ids] = [this.#sheet.reportsOn(place), this.#sheet.idsAt(place)];
    return ids.size === 0 ? reports : [...reports, await this.#keep(ids, this.#sheet.sent(place))];
  }

  /** Show words over the image for a while. */
  say(words: string, milliseconds: number, way?: Way): void {
    clearTimeout(this.#silence);
    setHint(this.hintTarget, words, way);
    this.#silence = setTimeout(() => setHint(this.hintTarget, ""), milliseconds);
  }

  /** Another tool was taken. */
  choose({ detail: { tool } }: CustomEvent<{ tool: string }>): void {
    this.#kind = tool in POINTS ? (tool as Kind) : null;
    this.#hand.drop();
    if (this.#kind) this.stageTarget.focus({ preventScroll: true });
  }

  /** The viewer shows something else, or otherwise. */
  look(): void {
    const viewer = this.#viewer;
    if (!viewer) return;
    const { series, sop, frame } = viewer.looking;
    const at = `${sop} ${frame}`;
    if (at !== this.#at) {
      this.#at = at;
      this.#hand.drop();
    }
    if (series && series !== this.#slicesOf) void this.#ask(series);
    for (const mark of this.#sheet.measured) {
      if (isAt(mark, viewer.looking) && this.#seen.get(mark) !== viewer.whole) this.#measure(mark);
    }
    this.#draw();
  }

  /** Somebody else shows what they draw; it is theirs, and goes with them. */
  show({ detail: { marks } }: CustomEvent<{ marks: Told[] }>): void {
    this.#sheet.show(marks);
    this.look();
  }

  undo(): void {
    const mark = this.#sheet.undo();
    if (!mark) return;
    this.#show(mark);
    this.#tell();
  }

  async keep(): Promise<void> {
    const ids = this.#sheet.idsAt();
    if (ids.size === 0) return;
    this.failedTarget.hidden = true;
    for (const button of this.keepTargets) button.disabled = true;
    try {
      await this.#keep(ids, this.#sheet.sent());
    } catch (error) {
      const reason = error instanceof NotKept ? error.message : "";
      this.failedTarget.textContent = reason || this.wordsValue.keepFailed;
      this.failedTarget.hidden = false;
    }
    this.#tell();
  }

  toggleKept(): void {
    this.#sheet.showsKept = this.keptTarget.checked;
    this.#draw();
  }

  get #controller(): ViewerController | null {
    return this.application.getControllerForElementAndIdentifier(this.element, "viewer") as ViewerController | null;
  }

  get #viewer(): ViewerController["viewer"] | null {
    return this.#controller?.viewer ?? null;
  }

  /** Of the slice that is shown; undefined until it is known, and where it is not. */
  get #geometry(): SliceGeometry | undefined {
    const viewer = this.#viewer;
    return viewer && viewer.looking.series === this.#slicesOf ? this.#slices[viewer.index] : undefined;
  }

  async #ask(series: string): Promise<void> {
    const controller = this.#controller;
    if (!controller) return;
    this.#slicesOf = series;
    this.#slices = [];
    const told = await controller.geometries.of(series).catch(() => null);
    if (this.#slicesOf !== series) return;
    if (!told) {
      this.#slicesOf = "";
      return;
    }
    this.#slices = told.slices;
    for (const mark of this.#sheet.measured) this.#seen.delete(mark);
    this.look();
  }

  async #load(): Promise<void> {
    const kept = await this.#keeper.kept().catch(() => null);
    if (kept) this.#sheet.kept = kept;
    this.#tell();
  }

  async #keep(ids: ReadonlySet<string>, sent: Sent[]): Promise<string> {
    const report = await this.#keeper.keep(sent);
    this.#sheet.forget(ids);
    await this.#load();
    return report;
  }

  #measure(mark: Own): void {
    const frame = this.#viewer?.whole ?? null;
    Object.assign(mark, measured(mark.kind, mark.points, this.#geometry, frame));
    this.#seen.set(mark, frame);
  }

  #begin(kind: Kind | null, points: Point[]): void {
    this.#draft = kind ? { kind, points } : null;
    if (kind) setHint(this.hintTarget, kind === "angle" && points.length === 2 ? this.wordsValue.second : "");
    this.#draw();
  }

  #add(kind: Kind, points: Point[]): void {
    this.#draft = null;
    setHint(this.hintTarget, "");
    const viewer = this.#viewer;
    const shown = viewer?.shown;
    if (!viewer || (shown !== "preview" && shown !== "full")) return;
    const { width, height } = viewer.image;
    const within = points.map((point) => {
      const { x, y } = toImage(point, viewer.view, viewer.image, viewer.stage);
      return { x: Math.min(Math.max(x, 0), width), y: Math.min(Math.max(y, 0), height) };
    });
    const mark = this.#sheet.add(kind, viewer.looking, within);
    this.#measure(mark);
    this.#tell();
    this.#explain(mark);
    this.#sketch.focus(mark.id);
  }

  #move(id: string, point: number | null, right: number, down: number): void {
    const [mark, viewer] = [this.#sheet.find(id), this.#viewer];
    if (!mark || !viewer || !isOwn(mark)) return;
    const from = toImage({ x: 0, y: 0 }, viewer.view, viewer.image, viewer.stage);
    const to = toImage({ x: right, y: down }, viewer.view, viewer.image, viewer.stage);
    this.#sheet.move(mark, point, { x: to.x - from.x, y: to.y - from.y }, viewer.image);
    this.#measure(mark);
    this.#tell();
    this.#explain(mark);
  }

  /** Say why a mark is told in pixels, as long as it is. */
  #explain({ kind, points }: Own): void {
    const { noScale, outside } = this.wordsValue;
    const why = whyInPixels(kind, points, this.#geometry);
    if (why) this.say(this.wordsValue[why], SAID_MS);
    else if ([noScale, outside].includes(this.hintTarget.textContent ?? "")) setHint(this.hintTarget, "");
  }

  #delete(id: string): void {
    this.#sheet.delete(id);
    this.#tell();
    this.stageTarget.focus({ preventScroll: true });
  }

  /** Bring the slice of a mark on the screen. */
  #show(mark: Mark): void {
    const [controller, viewer] = [this.#controller, this.#viewer];
    if (!controller || !viewer) return;
    viewer.openSeries(controller.manifestValue.series.findIndex(({ uid }) => uid === mark.series));
    viewer.goTo(viewer.series.slices.findIndex((slice) => isAt({ series: mark.series, ...slice }, mark)));
    this.#draw();
  }

  #draw(): void {
    const viewer = this.#viewer;
    if (!viewer) return;
    const lie = (points: readonly Point[]): Point[] =>
      points.map((point) => toStage(point, viewer.view, viewer.image, viewer.stage));
    const drawn: Drawn[] = this.#sheet.on(viewer.looking).map((mark) => ({
      id: mark.id,
      line: lie(lineOf(mark)),
      ends: this.#sheet.holds(mark) ? lie(mark.points) : [],
      label: labelOf(mark, this.wordsValue, this.#locale),
      isKept: !this.#sheet.holds(mark),
    }));
    if (this.#draft) {
      const { kind, points } = this.#draft;
      drawn.push({ id: "draft", line: outline(kind, points), ends: [], label: [], isKept: false, isDraft: true });
    }
    this.#sketch.draw(drawn, viewer.stage);
  }

  /** Say on the page which marks there are. */
  #tell(): void {
    this.#draw();
    const { all, own, kept, canUndo } = this.#sheet;
    const list: MarkList = {
      say: (mark) => sentenceOf(mark, this.wordsValue, this.#locale),
      note: (mark) => this.#noteOf(mark),
      show: (mark) => this.#show(mark),
      delete: (mark) => this.#delete(mark.id),
      words: this.wordsValue,
    };
    showList(this.listTarget, all, list);
    this.emptyTarget.hidden = all.length > 0;
    this.undoTarget.hidden = !canUndo;
    this.countTarget.textContent = all.length ? String(all.length) : "";
    this.keptTarget.closest("label")?.toggleAttribute("hidden", kept.length === 0);
    for (const button of this.keepTargets) button.disabled = own.length === 0;
    this.dispatch("changed", { detail: { marks: this.#sheet.told } });
  }

  #noteOf(mark: Mark): string {
    const series = this.#controller?.manifestValue.series.find(({ uid }) => uid === mark.series)?.title ?? "";
    if (isOwn(mark)) return series;
    const at = mark.at
      ? new Date(mark.at).toLocaleString(this.#locale, { dateStyle: "medium", timeStyle: "short" })
      : "";
    return [series, `${this.wordsValue.kept} ${[mark.by, at].filter(Boolean).join(", ")}`].filter(Boolean).join(" · ");
  }

  get #locale(): string {
    return document.documentElement.lang || "en";
  }

  /** Whoever has marks that are not kept is asked before they are lost. */
  #leave(event: Event): void {
    if (this.#sheet.own.length === 0 || this.keepTargets.length === 0) return;
    if (event.type === "beforeunload" || !confirm(this.wordsValue.leave)) event.preventDefault();
  }
}
