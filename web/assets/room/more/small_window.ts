// The large picture in a small window of its own while one reads something else, and the call over the whole screen.
import { Controller } from "@hotwired/stimulus";

export default class SmallWindowController extends Controller<HTMLElement> {
  static override targets = ["full", "small"];
  declare readonly fullTarget: HTMLButtonElement;
  declare readonly smallTarget: HTMLButtonElement;
  readonly #show = () => {
    this.smallTarget.setAttribute("aria-pressed", String(document.pictureInPictureElement !== null));
    this.fullTarget.setAttribute("aria-pressed", String(document.fullscreenElement === this.element));
  };

  override connect(): void {
    this.smallTarget.hidden = !document.pictureInPictureEnabled;
    this.fullTarget.hidden = !document.fullscreenEnabled;
    for (const event of EVENTS) this.element.addEventListener(event, this.#show, true);
  }

  override disconnect(): void {
    for (const event of EVENTS) this.element.removeEventListener(event, this.#show, true);
  }

  async toggle(): Promise<void> {
    this.#close();
    if (document.pictureInPictureElement) await document.exitPictureInPicture();
    else await this.#large?.requestPictureInPicture().catch(() => undefined); // no picture has arrived yet
  }

  async fill(): Promise<void> {
    this.#close();
    if (document.fullscreenElement) await document.exitFullscreen();
    else await this.element.requestFullscreen().catch(() => undefined);
  }

  get #large(): HTMLVideoElement | null {
    return this.element.querySelector<HTMLVideoElement>("[data-large] > video");
  }

  #close(): void {
    this.smallTarget.closest("dialog")?.close();
  }
}

const EVENTS = ["enterpictureinpicture", "leavepictureinpicture", "fullscreenchange"] as const;
