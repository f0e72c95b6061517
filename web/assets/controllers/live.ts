// Shows a <turbo-frame> again when the server says that something changed, and after every reconnect.
// The socket only hints; the page tells the truth. `data-live-what-value="consult encounter"` narrows what counts.
import { Controller } from "@hotwired/stimulus";
import { type Frame, lookAgain } from "../frames";
import { subscribe } from "../hints";
import type { Changed } from "../protocol.gen";

const CALM_MS = 300;

export default class LiveController extends Controller<Frame> {
  static override values = { url: String, what: String, id: String };
  declare readonly urlValue: string;
  declare readonly whatValue: string;
  declare readonly idValue: string;
  #stop?: () => void;
  #timer?: ReturnType<typeof setTimeout>;

  override connect(): void {
    this.#stop = subscribe((change) => {
      if (this.concerns(change)) this.#soon();
    });
  }

  override disconnect(): void {
    this.#stop?.();
    clearTimeout(this.#timer);
  }

  /** Whether a hint is about what this frame shows. No hint at all means: the connection came back, look again. */
  concerns(change: Changed | null): boolean {
    if (!change || change.what === "everything") return true;
    if (change.what === "ring") return false; // that is the telephone's, and changes no list
    if (this.whatValue && !this.whatValue.split(" ").includes(change.what)) return false;
    return !this.idValue || !change.id || change.id === this.idValue;
  }

  /** Several hints at once cost one look. Nothing is taken from under somebody's fingers. */
  #soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      const typing =
        this.element.contains(document.activeElement) && document.activeElement?.matches("input, textarea");
      if (typing || this.element.querySelector("dialog[open]")) this.#soon();
      else lookAgain(this.element, this.urlValue);
    }, CALM_MS);
  }
}
