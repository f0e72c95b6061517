// One's own camera while nobody has answered yet: the browser asks for it now, and not when every second counts.
import { Controller } from "@hotwired/stimulus";

export default class OwnPictureController extends Controller<HTMLElement> {
  static override targets = ["video", "problem"];
  declare readonly videoTarget: HTMLVideoElement;
  declare readonly problemTarget: HTMLElement;
  #stream: MediaStream | null = null;

  override async connect(): Promise<void> {
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: true, audio: true });
      if (!this.element.isConnected) {
        stop(stream);
        return;
      }
      this.#stream = stream;
      this.videoTarget.srcObject = stream;
    } catch {
      this.problemTarget.hidden = false;
    }
  }

  override disconnect(): void {
    if (this.#stream) stop(this.#stream);
    this.#stream = null;
  }
}

function stop(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
