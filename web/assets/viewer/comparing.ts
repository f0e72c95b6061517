// A second study beside the first, scrolled together; see studies/show.html.jinja.
import { Controller } from "@hotwired/stimulus";
import { beginning, Link, type Place } from "./linking";
import type ViewerController from "./main";
import type { Geometries, SeriesGeometry } from "./slice_geometry";
import type { Viewer } from "./viewer";

interface Side {
  viewer: Viewer;
  geometries: Geometries;
  /** Of the series it shows, once it is here. */
  geometry: SeriesGeometry | null;
  series: string;
  index: number;
  /** Where it was put when it was opened. */
  begun: number;
}

export default class CompareController extends Controller<HTMLElement> {
  static override targets = ["beside", "choice", "link", "close", "how"];
  declare readonly besideTarget: HTMLElement;
  declare readonly choiceTarget: HTMLSelectElement;
  declare readonly linkTarget: HTMLElement;
  declare readonly closeTarget: HTMLElement;
  declare readonly howTarget: HTMLElement;
  readonly #sides = new Map<Element, Side>();
  #link: Link | null = null;
  #isLinked = true;

  choose(): void {
    const address = this.choiceTarget.value;
    if (!address) {
      this.close();
      return;
    }
    this.#part();
    this.element.dataset.beside = "open";
    this.besideTarget.setAttribute("src", address);
    this.linkTarget.hidden = this.closeTarget.hidden = false;
  }

  close(): void {
    this.#part();
    delete this.element.dataset.beside;
    this.besideTarget.removeAttribute("src");
    this.besideTarget.replaceChildren();
    this.choiceTarget.value = "";
    this.linkTarget.hidden = this.closeTarget.hidden = true;
    this.element.querySelector<HTMLElement>("[data-viewer-target=stage]")?.focus({ preventScroll: true });
  }

  toggle(): void {
    this.#isLinked = !this.#isLinked;
    this.linkTarget.setAttribute("aria-pressed", String(this.#isLinked));
    this.#join();
  }

  /** One of the two shows something else. */
  follow({ target }: Event): void {
    if (!this.element.dataset.beside || !(target instanceof Element)) return;
    const side = this.#sideOf(target);
    const other = [...this.#sides].find(([element]) => element !== target)?.[1];
    if (!side) return;
    const { viewer, index } = side;
    for (const one of this.#sides.values()) if (one.viewer.series.uid !== one.series) void this.#open(one);
    if (!other || viewer.index === index) return;
    side.index = viewer.index;
    if (!this.#link) return;
    const partner = this.#link.partner(placeOf(side), placeOf(other));
    other.index = partner; // what is moved here does not move the first in turn
    other.viewer.goTo(partner);
  }

  #sideOf(element: Element): Side | null {
    const known = this.#sides.get(element);
    if (known) return known;
    const found = this.application.getControllerForElementAndIdentifier(element, "viewer") as ViewerController | null;
    if (!found) return null;
    for (const [old] of this.#sides) if (!old.isConnected) this.#sides.delete(old);
    const { viewer, geometries } = found;
    const side = { viewer, geometries, geometry: null, series: "", index: viewer.index, begun: 0 };
    this.#sides.set(element, side);
    for (const one of this.element.querySelectorAll("[data-controller~=viewer]")) this.#sideOf(one);
    return side;
  }

  /** Another series is on that side: what was side by side is so no more. */
  async #open(side: Side): Promise<void> {
    side.series = side.viewer.series.uid;
    side.index = side.viewer.index;
    side.geometry = null;
    this.#join();
    const geometry = await side.geometries.of(side.series).catch(() => null);
    if (side.series !== side.viewer.series.uid) return;
    side.geometry = geometry;
    this.#begin();
    this.#join();
  }

  /** What was opened beside begins where the other is, unless somebody has scrolled there already. */
  #begin(): void {
    const sides = [...this.#sides];
    const first = sides.find(([element]) => !this.besideTarget.contains(element))?.[1];
    const beside = sides.find(([element]) => this.besideTarget.contains(element))?.[1];
    if (!first || !beside?.series || !this.#isLinked || beside.viewer.index !== beside.begun) return;
    beside.begun = beside.index = beginning(placeOf(first), placeOf(beside));
    beside.viewer.goTo(beside.index);
  }

  /** From here on the two that are on the screen belong together. */
  #join(): void {
    const [one, other] = [...this.#sides.values()];
    this.#link = this.#isLinked && one && other ? new Link(placeOf(one), placeOf(other)) : null;
    const how = this.#link?.isByPlace ? this.howTarget.dataset.byPlace : this.howTarget.dataset.bySlice;
    this.howTarget.textContent = this.#link ? (how ?? "") : "";
  }

  #part(): void {
    this.#sides.clear();
    this.#link = null;
    this.howTarget.textContent = "";
  }
}

function placeOf({ viewer, geometry }: Side): Place {
  const { slices } = viewer.series;
  return { geometry, index: viewer.index, count: slices.length, sizes: slices };
}
