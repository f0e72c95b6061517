// The coordinator's board by keyboard and by hand: arrows go from card to card, the space bar ticks one, Enter opens it;
// a card dropped on what is done to many is ticked. What is ticked or open stays so when the board looks again, until
// something was done to it.
import { Controller } from "@hotwired/stimulus";

const KEPT = ["checked", "open", "tabindex"];

export default class BoardController extends Controller<HTMLElement> {
  static override targets = ["card", "acts", "tick", "count"];
  declare readonly cardTargets: HTMLElement[];
  declare readonly actsTarget: HTMLDetailsElement;
  declare readonly tickTargets: HTMLInputElement[];
  declare readonly countTarget: HTMLElement;
  declare readonly hasCountTarget: boolean;
  #lifted: HTMLElement | null = null;
  #hasActed = false;

  cardTargetConnected(): void {
    this.#reach();
  }

  cardTargetDisconnected(): void {
    this.#reach();
  }

  tickTargetConnected(): void {
    this.count();
  }

  tickTargetDisconnected(): void {
    this.count();
  }

  count(): void {
    if (!this.hasCountTarget) return;
    const ticked = this.tickTargets.filter((box) => box.checked).length;
    this.countTarget.textContent = String(ticked);
    this.countTarget.hidden = ticked === 0;
  }

  acted(event: CustomEvent<{ success: boolean }>): void {
    this.#hasActed = event.detail.success && (event.target as HTMLElement).id === "board-acts";
  }

  // What was refused stays ticked: it is said again.
  untick(): void {
    if (this.#hasActed && !document.querySelector(".notice-danger[data-testid=flash]"))
      this.actsTarget.querySelector("form")?.reset(); // what was chosen for them, too
    this.#hasActed = false;
    this.count();
  }

  keep(event: CustomEvent<{ attributeName: string }>): void {
    if (KEPT.includes(event.detail.attributeName)) event.preventDefault();
  }

  step(event: KeyboardEvent): void {
    const here = event.target as HTMLElement;
    if (!this.cardTargets.includes(here)) return;
    const there = this.#neighbour(here, event.key);
    if (there) there.focus();
    else if (event.key === " ") this.#tick(here)?.click();
    else if (event.key === "Enter") here.querySelector<HTMLAnchorElement>("a.row-link")?.click();
    else return;
    event.preventDefault();
  }

  lift(event: DragEvent): void {
    this.#lifted = event.currentTarget as HTMLElement;
    this.actsTarget.toggleAttribute("data-lifting", true);
  }

  settle(): void {
    this.#lifted = null;
    this.actsTarget.toggleAttribute("data-lifting", false);
  }

  over(event: DragEvent): void {
    if (this.#lifted) event.preventDefault();
  }

  drop(event: DragEvent): void {
    const box = this.#lifted && this.#tick(this.#lifted);
    if (box) box.checked = true;
    this.actsTarget.open = true;
    this.count();
    event.preventDefault();
    (event.target as HTMLElement).closest(".cluster")?.querySelector<HTMLElement>("select, button")?.focus();
    this.settle();
  }

  // The tabulator comes to one card, and the arrows to all.
  #reach(): void {
    for (const [place, card] of this.cardTargets.entries()) card.tabIndex = place === 0 ? 0 : -1;
  }

  #tick(card: HTMLElement): HTMLInputElement | null {
    return card.querySelector<HTMLInputElement>('input[name="consults"]');
  }

  #neighbour(card: HTMLElement, key: string): HTMLElement | undefined {
    const columns = [...this.element.querySelectorAll<HTMLElement>(".board-column")]
      .map((column) => this.cardTargets.filter((each) => column.contains(each)))
      .filter((cards) => cards.length > 0);
    const column = columns.findIndex((cards) => cards.includes(card));
    const row = columns[column]?.indexOf(card) ?? 0;
    if (key === "ArrowDown") return columns[column]?.[row + 1];
    if (key === "ArrowUp") return columns[column]?.[row - 1];
    const aside = key === "ArrowRight" ? columns[column + 1] : key === "ArrowLeft" ? columns[column - 1] : undefined;
    return aside?.[Math.min(row, aside.length - 1)];
  }
}
