// Counts the seconds since a moment; from a minute on, minutes and seconds.
import { Controller } from "@hotwired/stimulus";

export function lasting(seconds: number): string {
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

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
    this.element.textContent = lasting(seconds);
  }
}
