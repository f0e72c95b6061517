// Looks again at a frame every few seconds, beside what the socket hints: while somebody waits for help, no lost hint and no
// blocked socket may leave them with an old page.
import { Controller } from "@hotwired/stimulus";
import { type Frame, lookAgain } from "../frames";

const EVERY_MS = 3000;

export default class WaitingController extends Controller<HTMLElement> {
  static override targets = ["frame"];
  static override values = { url: String };
  declare readonly frameTarget: Frame;
  declare readonly hasFrameTarget: boolean;
  declare readonly urlValue: string;
  #timer?: ReturnType<typeof setInterval>;

  override connect(): void {
    this.#timer = setInterval(() => {
      if (this.hasFrameTarget) lookAgain(this.frameTarget, this.urlValue);
    }, EVERY_MS);
  }

  override disconnect(): void {
    clearInterval(this.#timer);
  }
}
