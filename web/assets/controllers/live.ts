// Shows a <turbo-frame> again when the server says that something changed, and after every reconnect.
// The socket only hints; the page tells the truth. `data-live-what-value="consult encounter"` narrows what counts.
import { Controller } from "@hotwired/stimulus";
import { type Frame, lookAgain } from "../frames";
import { subscribe } from "../hints";
import type { Changed } from "../protocol.gen";

const CALM_MS = 300;
const WORDS = "textarea, input[type=text], input:not([type])";

/** What Turbo is about to put into a frame, and how. */
type Rendering = CustomEvent<{ render: (current: Element, coming: Element) => unknown }>;

export default class LiveController extends Controller<Frame> {
  static override values = { url: String, what: String, id: String };
  declare readonly urlValue: string;
  declare readonly whatValue: string;
  declare readonly idValue: string;
  #stop?: () => void;
  #timer?: ReturnType<typeof setTimeout>;
  /** A form in here is on its way: what comes is its answer. */
  #isSending = false;

  override connect(): void {
    this.element.addEventListener("turbo:submit-start", this.#sends);
    this.element.addEventListener("turbo:submit-end", this.#sent);
    this.element.addEventListener("turbo:before-frame-render", this.#spares);
    this.element.addEventListener("turbo:before-morph-attribute", this.#leaves);
    this.#stop = subscribe((change) => {
      if (this.concerns(change)) this.#soon();
    });
  }

  override disconnect(): void {
    this.#stop?.();
    clearTimeout(this.#timer);
    this.element.removeEventListener("turbo:submit-start", this.#sends);
    this.element.removeEventListener("turbo:submit-end", this.#sent);
    this.element.removeEventListener("turbo:before-frame-render", this.#spares);
    this.element.removeEventListener("turbo:before-morph-attribute", this.#leaves);
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
      if (this.#isInUse) this.#soon();
      else lookAgain(this.element, this.urlValue);
    }, CALM_MS);
  }

  /** Somebody types here, has words here that are not sent, or reads a dialog. */
  get #isInUse(): boolean {
    const { activeElement } = document;
    if (this.element.querySelector("dialog[open]")) return true;
    if (this.element.contains(activeElement) && activeElement?.matches("input, textarea")) return true;
    const words = this.element.querySelectorAll<HTMLInputElement | HTMLTextAreaElement>(WORDS);
    return [...words].some((field) => field.value !== field.defaultValue);
  }

  #sends = (): void => {
    this.#isSending = true;
  };

  /** It never got there. */
  #sent = (event: Event): void => {
    if ((event as CustomEvent<{ error?: unknown }>).detail?.error) this.#isSending = false;
  };

  /** Words that were begun while a look was under way stay; it is looked again once they are sent. */
  #spares = (event: Event): void => {
    if (event.target !== this.element) return;
    if (this.#isSending) {
      this.#isSending = false;
    } else if (this.#isInUse && this.element.src?.endsWith(this.urlValue)) {
      (event as Rendering).detail.render = () => undefined;
      this.#soon();
    }
  };

  /** What somebody chose of a list and has not sent stays chosen. */
  #leaves = (event: Event): void => {
    const { attributeName } = (event as CustomEvent<{ attributeName: string }>).detail;
    if (attributeName !== "selected" || !(event.target instanceof HTMLOptionElement)) return;
    const list = event.target.closest("select");
    if (!list) return;
    const options = [...list.options];
    const usual = options.findIndex((option) => option.defaultSelected);
    if (list.selectedIndex !== Math.max(usual, 0)) event.preventDefault();
  };
}
