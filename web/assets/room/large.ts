// Which picture is the large one: the other person's, or whichever was pressed. A second press puts it back.

const FIRST = "main";

export class Large {
  #key: string | null = null;

  constructor(private readonly stage: HTMLElement) {}

  /** Make the tile of this key large; pressed on the large one, the first picture is large again. */
  toggle(key: string): void {
    this.#set(key === this.#key || key === FIRST ? null : key);
  }

  /** Somebody shows their screen: it is the large one where nobody has chosen another. */
  offer(key: string): void {
    this.#set(this.#key ?? key);
  }

  /** The first picture is the large one again: there is something to say in it, or the large one went. */
  reset(): void {
    this.#set(null);
  }

  /** Put it right after tiles have come or gone. */
  settle(): void {
    this.#set(this.#key);
  }

  #set(key: string | null): void {
    const tiles = [...this.stage.querySelectorAll<HTMLElement>("[data-tile-key]")];
    this.#key = tiles.some((tile) => tile.dataset.tileKey === key) ? key : null;
    this.stage.toggleAttribute("data-swapped", this.#key !== null);
    for (const tile of tiles) {
      const isLarge = this.#key === null ? tile.dataset.tileKey === FIRST : tile.dataset.tileKey === this.#key;
      tile.toggleAttribute("data-large", isLarge);
      tile.querySelector(".tile-enlarge")?.setAttribute("aria-pressed", String(isLarge));
    }
  }
}
