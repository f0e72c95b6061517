// Says that a press went nowhere because the line is down, and leaves the page as it stands: Turbo would load it again, and
// the browser's own error page would take the place of what somebody typed.
import { Controller } from "@hotwired/stimulus";

export default class ConnectionController extends Controller<HTMLElement> {
  #listening = new AbortController();

  override connect(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    document.addEventListener("turbo:fetch-request-error", this.#lost, { signal });
    document.addEventListener("turbo:before-fetch-response", this.#back, { signal });
    addEventListener("online", this.#back, { signal });
  }

  override disconnect(): void {
    this.#listening.abort();
  }

  readonly #lost = (event: Event): void => {
    event.preventDefault();
    // A visit that is not allowed to fail never ends either: its loading line would run on.
    document.documentElement.removeAttribute("aria-busy");
    this.element.hidden = false;
  };

  readonly #back = (): void => {
    this.element.hidden = true;
  };
}
