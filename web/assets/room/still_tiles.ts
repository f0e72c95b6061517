// Single pictures in the tiles of those whose moving ones rest. What froze there would look like now.
export class StillTiles {
  readonly #shown = new Map<string, HTMLElement>();
  readonly #clock: Intl.DateTimeFormat;

  constructor(
    private readonly page: HTMLElement,
    private readonly template: HTMLTemplateElement,
    /** Who has the large picture. */
    private readonly main: string,
    locale: string,
  ) {
    this.#clock = new Intl.DateTimeFormat(locale, {
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
      hourCycle: "h23",
    });
  }

  /** Somebody's moving pictures rest, or move again. */
  rests(pid: string, rest: boolean): void {
    const figure = this.#shown.get(pid);
    if (rest && !figure) this.#make(pid);
    if (rest || !figure) return;
    URL.revokeObjectURL(figure.querySelector("img")?.src ?? "");
    figure.remove();
    this.#shown.delete(pid);
  }

  show(pid: string, picture: Blob): void {
    const figure = this.#shown.get(pid) ?? this.#make(pid);
    const image = figure?.querySelector("img");
    if (!figure || !image) return;
    const label = (figure.dataset.label ?? "{time}").replace("{time}", this.#clock.format(new Date()));
    URL.revokeObjectURL(image.src);
    image.src = URL.createObjectURL(picture);
    image.alt = label;
    image.hidden = false;
    this.#caption(figure, label);
  }

  #make(pid: string): HTMLElement | null {
    const place = pid === this.main ? "[data-tile-key=main]" : `[data-pid="${CSS.escape(pid)}"]`;
    const tile = this.page.querySelector(place);
    const made = (this.template.content.cloneNode(true) as DocumentFragment).querySelector("figure");
    if (!tile || !made) return null;
    this.#caption(made, made.dataset.none ?? "");
    tile.querySelector("video")?.after(made);
    this.#shown.set(pid, made);
    return made;
  }

  #caption(figure: HTMLElement, words: string): void {
    const caption = figure.querySelector("figcaption");
    if (caption) caption.textContent = words;
  }
}
