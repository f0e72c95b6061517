// A password that is being chosen may be looked at: who sees what they type need not type it twice.
import { Controller } from "@hotwired/stimulus";

export default class RevealController extends Controller {
  static override targets = ["input", "button", "choice"];
  declare readonly inputTarget: HTMLInputElement;
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly choiceTarget: HTMLElement;

  override connect(): void {
    this.choiceTarget.hidden = false;
  }

  toggle(): void {
    const isShown = this.inputTarget.type === "text";
    this.inputTarget.type = isShown ? "password" : "text";
    this.buttonTarget.setAttribute("aria-pressed", String(!isShown));
  }
}
