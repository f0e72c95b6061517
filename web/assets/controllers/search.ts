// A search form that sends itself while one types: <form data-controller="search" data-action="input->search#soon">.
// The answer lands in the form's turbo-frame; without a script the form has its button.
import { Controller } from "@hotwired/stimulus";

const PAUSE_MS = 250;

export default class SearchController extends Controller<HTMLFormElement> {
  #timer?: ReturnType<typeof setTimeout>;

  override disconnect(): void {
    clearTimeout(this.#timer);
  }

  /** Send once the fingers pause; each further letter begins the pause anew. */
  soon(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.element.requestSubmit(), PAUSE_MS);
  }
}
