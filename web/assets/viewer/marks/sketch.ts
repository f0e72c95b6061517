// Draws marks over the image as SVG. Elements stay while their mark does, so that the focus stays where it is.
import type { Point, Size } from "../geometry";
import { LINE_HEIGHT, placesOf } from "./labels";

/** A mark as it lies on the stage, in CSS pixels. */
export interface Drawn {
  id: string;
  line: Point[];
  /** Points that can be taken hold of; none of what is kept. */
  ends: Point[];
  label: string[];
  isKept: boolean;
  /** It is being drawn, and cannot be reached yet. */
  isDraft?: boolean;
}

export interface Words {
  /** What one point of a mark is called, `{n}` its number. */
  point: string;
}

const NAMESPACE = "http://www.w3.org/2000/svg";
const REACH = 14;

function make<K extends keyof SVGElementTagNameMap>(name: K, className: string, parent: Element) {
  const element = document.createElementNS(NAMESPACE, name);
  element.setAttribute("class", className);
  parent.append(element);
  return element;
}

export class Sketch {
  readonly #drawn = new Map<string, SVGGElement>();

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly words: Words,
  ) {}

  /** Show these and no others. */
  draw(marks: readonly Drawn[], stage: Size): void {
    const ids = new Set(marks.map(({ id }) => id));
    for (const [id, group] of this.#drawn) {
      if (ids.has(id)) continue;
      group.remove();
      this.#drawn.delete(id);
    }
    const places = placesOf(marks, stage);
    for (const [at, mark] of marks.entries()) {
      this.#update(this.#drawn.get(mark.id) ?? this.#make(mark), mark, places[at] ?? { x: 0, y: 0 });
    }
  }

  focus(id: string): void {
    this.#drawn.get(id)?.focus();
  }

  #make(mark: Drawn): SVGGElement {
    const group = make("g", mark.isKept ? "mark mark-kept" : "mark", this.svg);
    group.dataset.mark = mark.id;
    if (!mark.isDraft) group.setAttribute("tabindex", "0");
    group.setAttribute("role", "group");
    for (const part of ["reach", "under", "line"]) make("path", `mark-${part}`, group);
    for (let at = 0; at < mark.ends.length; at++) {
      const end = make("g", "mark-end", group);
      end.dataset.point = String(at);
      end.setAttribute("tabindex", "0");
      end.setAttribute("role", "button");
      end.setAttribute("aria-label", this.words.point.replace("{n}", String(at + 1)));
      make("circle", "mark-reach", end).setAttribute("r", String(REACH));
      make("circle", "mark-dot", end).setAttribute("r", "4.5");
    }
    make("text", "mark-label", group).setAttribute("aria-hidden", "true");
    this.#drawn.set(mark.id, group);
    return group;
  }

  #update(group: SVGGElement, { line, ends, label }: Drawn, place: Point): void {
    group.setAttribute("aria-label", label.join(", "));
    const path = line.map(({ x, y }, at) => `${at ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
    for (const element of group.querySelectorAll(":scope > path")) element.setAttribute("d", path);
    for (const element of group.querySelectorAll<SVGGElement>(":scope > .mark-end")) {
      const { x, y } = ends[Number(element.dataset.point)] ?? { x: 0, y: 0 };
      element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    }
    const text = group.querySelector("text");
    if (text) this.#write(text, label, place);
  }

  #write(text: SVGTextElement, label: readonly string[], at: Point): void {
    while (text.childElementCount > label.length) text.lastElementChild?.remove();
    while (text.childElementCount < label.length) make("tspan", "", text);
    for (const [row, words] of label.entries()) {
      const line = text.children[row];
      if (line && line.textContent !== words) line.textContent = words;
      line?.setAttribute("x", at.x.toFixed(1));
      line?.setAttribute("y", (at.y + row * LINE_HEIGHT).toFixed(1));
    }
  }
}
