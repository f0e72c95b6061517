// A <video> of a study: it shows its first picture where the line has room for that.
import { Controller } from "@hotwired/stimulus";

export default class FilmController extends Controller<HTMLVideoElement> {
  override connect(): void {
    if (this.#hasRoom()) {
      this.element.preload = "metadata";
      this.element.load();
    } else if (this.element.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) {
      // it came by a Turbo visit: it was looked at in a document without a window, where every source fails
      this.element.load();
    }
  }

  /** Not where data is saved, the line is slow, or a call runs over it. */
  #hasRoom(): boolean {
    const { connection } = navigator as { connection?: { saveData?: boolean; effectiveType?: string } };
    const isThin = connection?.saveData || /2g|3g/.test(connection?.effectiveType ?? "");
    return !isThin && !this.element.closest("[data-controller~=room]");
  }
}
