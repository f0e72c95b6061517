// Counts the seconds since a moment.
import { Controller } from "@hotwired/stimulus";

export default class SecondsController extends Controller<HTMLElement> {
  static override values = { since: String };
  declare readonly sinceValue: string;
  #timer?: ReturnType<typeof setInterval>;

  override connect(): void {
    this.#timer = setInterval(() => this.show(), 1000);
    this.show();
  }

  override disconnect(): void {
    clearInterval(this.#timer);
  }

  show(): void {
    const seconds = Math.max(0, Math.round((Date.now() - Date.parse(this.sinceValue)) / 1000));
    this.element.textContent = `${seconds} s`;
  }
}
