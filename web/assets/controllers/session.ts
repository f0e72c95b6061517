// Says that a form went nowhere because the session ended, and leaves its words on the page: the page that says "sign in" would
// take their place. Once somebody signed in again, in another window perhaps, the next press sends them with the new token.
import { Controller } from "@hotwired/stimulus";
import { renewToken } from "../requests";

export default class SessionController extends Controller<HTMLElement> {
  #ended = false;
  #listening = new AbortController();

  override connect(): void {
    this.#listening = new AbortController();
    const { signal } = this.#listening;
    document.addEventListener("turbo:before-fetch-response", this.#answered, { signal });
    document.addEventListener("visibilitychange", this.#back, { signal });
  }

  override disconnect(): void {
    this.#listening.abort();
  }

  readonly #answered = (event: Event): void => {
    const form = event.target;
    if (event.defaultPrevented || !(form instanceof HTMLFormElement) || form.method !== "post") return;
    const { statusCode } = (event as CustomEvent<{ fetchResponse: { statusCode: number } }>).detail.fetchResponse;
    const isAgain = this.#ended;
    this.#tell(statusCode === 401);
    if (statusCode === 401) event.preventDefault();
    else if (statusCode === 403 && isAgain) {
      event.preventDefault();
      void this.#sendAgain(form);
    }
  };

  // Whoever comes back from where they signed in finds the form uncovered.
  readonly #back = (): void => {
    if (document.visibilityState === "visible") this.element.hidden = true;
  };

  #tell(ended: boolean): void {
    this.#ended = ended;
    this.element.hidden = !ended;
  }

  // The token in the page is that of the session that ended.
  async #sendAgain(form: HTMLFormElement): Promise<void> {
    if (await renewToken()) form.requestSubmit();
    else this.#tell(true);
  }
}
