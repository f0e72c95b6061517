// A <video> that came by a Turbo visit was looked at in a document without a window, where every source fails.
import { Controller } from "@hotwired/stimulus";

export default class FilmController extends Controller<HTMLVideoElement> {
  override connect(): void {
    if (this.element.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) this.element.load();
  }
}
