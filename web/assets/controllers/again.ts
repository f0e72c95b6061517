// Looks again at a <turbo-frame> every two seconds while a worker is busy with what it shows; the frame that says
// "done" comes without this controller. Nothing is fetched while nobody sees the page.
import { Controller } from "@hotwired/stimulus";
import { type Frame, lookAgain } from "../frames";

const EVERY_MS = 2000;

export default class AgainController extends Controller<Frame> {
  static override values = { url: String };
  declare readonly urlValue: string;
  #timer?: ReturnType<typeof setInterval>;

  override connect(): void {
    this.#timer = setInterval(() => {
      if (document.visibilityState === "visible") lookAgain(this.element, this.urlValue);
    }, EVERY_MS);
  }

  override disconnect(): void {
    clearInterval(this.#timer);
  }
}
