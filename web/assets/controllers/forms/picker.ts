// Chooses entries out of a long list: shows one kind at a time, and counts what is chosen over all of them.
import { Controller } from "@hotwired/stimulus";

export default class PickerController extends Controller<HTMLElement> {
  static override targets = ["box", "count", "group", "kinds"];
  static override values = { words: String };
  declare readonly boxTargets: HTMLInputElement[];
  declare readonly groupTargets: HTMLElement[];
  declare readonly countTarget: HTMLElement;
  declare readonly kindsTarget: HTMLElement;
  declare readonly wordsValue: string;

  override connect(): void {
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
}
