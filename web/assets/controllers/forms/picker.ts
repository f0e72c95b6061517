// Chooses entries out of a long list: shows one kind at a time, counts what is chosen over all of them, and asks for the list again
// once another service brought another suggestion. The list comes in a frame; what it says of the draft's version, the form takes over.
import { Controller } from "@hotwired/stimulus";
import { type Frame, lookAgain } from "../../frames";

export default class PickerController extends Controller<HTMLElement> {
  static override targets = ["box", "count", "group", "kinds"];
  static override values = { words: String, url: String, suggestion: String, version: Number };
  declare readonly boxTargets: HTMLInputElement[];
  declare readonly groupTargets: HTMLElement[];
  declare readonly countTarget: HTMLElement;
  declare readonly kindsTarget: HTMLElement;
  declare readonly wordsValue: string;
  declare readonly urlValue: string;
  declare readonly suggestionValue: string;
  declare readonly versionValue: number;
  #asked = new Set<string>();

  override connect(): void {
    this.drawn();
    const version = this.element.closest("form")?.elements.namedItem("version");
    if (version instanceof HTMLInputElement && Number(version.value) < this.versionValue)
      version.value = String(this.versionValue);
  }

  /** A morph of the page gave the list back as the server sent it: say again what only this script says. */
  drawn(): void {
    this.kindsTarget.hidden = this.groupTargets.length < 2;
    this.count();
  }

  /** Say how many are chosen, those not shown now included. */
  count(): void {
    const chosen = this.boxTargets.filter((box) => box.checked).length;
    this.countTarget.textContent = this.wordsValue.replace("{n}", String(chosen));
  }

  /** Show one kind, or all of them for the empty one. */
  show(event: Event & { params: { kind: string } }): void {
    for (const group of this.groupTargets)
      group.hidden = !!event.params.kind && group.dataset.kind !== event.params.kind;
    for (const button of this.kindsTarget.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === event.currentTarget));
    }
  }

  /** The draft was saved: where the server suggests for another service now, show what it chose. */
  saved({ detail }: CustomEvent<{ suggested_for?: string }>): void {
    const frame = this.element.closest<Frame>("turbo-frame");
    if (!frame || detail.suggested_for === undefined || detail.suggested_for === this.suggestionValue) return;
    this.#asked = new Set(this.boxTargets.filter((box) => box.checked).map((box) => box.value));
    frame.addEventListener("turbo:before-frame-render", this.#keep, { once: true });
    lookAgain(frame, this.urlValue);
  }

  // What was ticked or unticked while the list was on its way stays so in the new one.
  readonly #keep = (event: Event): void => {
    const { newFrame } = (event as CustomEvent<{ newFrame: HTMLElement }>).detail;
    for (const box of this.boxTargets) {
      if (box.checked === this.#asked.has(box.value)) continue;
      const same = newFrame.querySelector<HTMLInputElement>(`input[name="entries"][value="${box.value}"]`);
      if (same) same.checked = box.checked;
    }
  };
}
