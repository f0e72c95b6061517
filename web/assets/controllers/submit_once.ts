// A form is sent once: its button says so and a second press does nothing until an answer came.
import { Controller } from "@hotwired/stimulus";

export default class SubmitOnceController extends Controller<HTMLFormElement> {
  #sending = false;
  #button: HTMLElement | null = null;

  override connect(): void {
    this.element.addEventListener("submit", this.#submit);
    this.element.addEventListener("turbo:submit-end", this.#release);
    // Back from the browser's own cache the form must be usable again.
    addEventListener("pageshow", this.#release);
  }

  override disconnect(): void {
    this.element.removeEventListener("submit", this.#submit);
    this.element.removeEventListener("turbo:submit-end", this.#release);
    removeEventListener("pageshow", this.#release);
  }

  // The button is not disabled: a disabled one loses the focus, and its name and value would not be sent.
  readonly #submit = (event: SubmitEvent): void => {
    if (this.#sending) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    if (event.defaultPrevented && !event.submitter) return;
    this.#sending = true;
    this.#button = event.submitter;
    this.#button?.setAttribute("aria-busy", "true");
  };

  readonly #release = (): void => {
    this.#sending = false;
    this.#button?.removeAttribute("aria-busy");
  };
}
