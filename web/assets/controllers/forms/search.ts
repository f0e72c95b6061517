// A search form that sends itself while one types: <form data-controller="search"
// data-action="input->search#soon submit->search#sent turbo:frame-load@document->search#landed">. The answer lands in the
// form's turbo-frame and its address in the bar; without a script the form has its button.
//
// Not data-turbo-action: with it an answer on its way calls off the visit to a patient one has clicked meanwhile.
import { Controller } from "@hotwired/stimulus";

const PAUSE_MS = 250;

export default class SearchController extends Controller<HTMLFormElement> {
  #timer?: ReturnType<typeof setTimeout>;

  override disconnect(): void {
    clearTimeout(this.#timer);
  }

  /** It went by Enter or the button: nothing more to send. */
  sent(): void {
    clearTimeout(this.#timer);
  }

  /** Keep the search in the address, for the way back. */
  landed(event: Event): void {
    const frame = event.target as HTMLElement;
    const address = frame.getAttribute("src");
    if (address && frame.id === this.element.dataset.turboFrame) history.replaceState(history.state, "", address);
  }

  /** Send once the fingers pause; each further letter begins the pause anew. */
  soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.element.requestSubmit(), PAUSE_MS);
  }
}
