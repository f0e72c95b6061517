// A search form that sends itself while one types: <form data-controller="search"
// data-action="input->search#soon submit->search#sent turbo:before-frame-render@document->search#wait
// turbo:frame-load@document->search#landed pointerdown@window->search#pressed pointerup@window->search#released
// pointercancel@window->search#released">. The answer lands in the form's turbo-frame and its address in the bar; without
// a script the form has its button.
//
// While a finger or the button is down the answer waits: what one is about to press must not change under it.
//
// Not data-turbo-action: with it an answer on its way calls off the visit to a patient one has clicked meanwhile.
import { Controller } from "@hotwired/stimulus";

const PAUSE_MS = 250;

interface Rendering {
  resume(): void;
}

export default class SearchController extends Controller<HTMLFormElement> {
  #timer?: ReturnType<typeof setTimeout>;
  #isPressed = false;
  #held?: Rendering | undefined;

  override disconnect(): void {
    clearTimeout(this.#timer);
  }

  /** It went by Enter or the button: nothing more to send. */
  sent(): void {
    clearTimeout(this.#timer);
  }

  pressed(): void {
    this.#isPressed = true;
  }

  /** Let the click go first: it follows the release at once. */
  released(): void {
    this.#isPressed = false;
    const held = this.#held;
    this.#held = undefined;
    if (held) setTimeout(() => held.resume());
  }

  wait(event: CustomEvent<Rendering>): void {
    if (!this.#isPressed || (event.target as HTMLElement).id !== this.element.dataset.turboFrame) return;
    event.preventDefault();
    this.#held = event.detail;
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
