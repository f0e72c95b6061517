// Reads a card with the camera where the browser knows how (Chromium on Android does): the code goes into the field as a hand scanner
// would type it, and the form is sent. Elsewhere the button is never seen.
import { Controller } from "@hotwired/stimulus";

interface Detector {
  detect(picture: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
interface Detectors {
  new (options: { formats: string[] }): Detector;
  getSupportedFormats(): Promise<string[]>;
}

const FORMATS = ["qr_code", "data_matrix", "code_128", "code_39", "pdf417"];
const LOOK_EVERY_MS = 200;

export default class CameraController extends Controller<HTMLFormElement> {
  static override targets = ["way", "video", "field", "problem"];
  declare readonly wayTarget: HTMLElement;
  declare readonly videoTarget: HTMLVideoElement;
  declare readonly fieldTarget: HTMLInputElement;
  declare readonly problemTarget: HTMLElement;
  #stream?: MediaStream;
  #looking?: ReturnType<typeof setTimeout>;
  #presses = 0;

  override connect(): void {
    this.wayTarget.hidden = !detectors() || !navigator.mediaDevices;
  }

  override disconnect(): void {
    this.#stop();
  }

  /** Open the camera and look until a code is read; pressed again, close it. */
  async toggle(): Promise<void> {
    if (this.#stream) return this.#stop();
    const press = ++this.#presses;
    this.problemTarget.hidden = true;
    try {
      const detector = await detectorOf(detectors());
      const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      if (press !== this.#presses) return stopAll(stream); // pressed again, or left, before the camera came
      this.#stream = stream;
      this.videoTarget.srcObject = stream;
      this.videoTarget.hidden = false;
      await this.videoTarget.play();
      this.#look(detector);
    } catch {
      if (press !== this.#presses) return;
      this.#stop();
      this.problemTarget.hidden = false;
    }
  }

  async #look(detector: Detector): Promise<void> {
    const [found] = await detector.detect(this.videoTarget).catch(() => []);
    if (!this.#stream) return;
    if (!found?.rawValue) {
      this.#looking = setTimeout(() => void this.#look(detector), LOOK_EVERY_MS);
      return;
    }
    this.#stop();
    this.fieldTarget.value = found.rawValue;
    this.element.requestSubmit();
  }

  #stop(): void {
    this.#presses += 1;
    clearTimeout(this.#looking);
    if (this.#stream) stopAll(this.#stream);
    this.#stream = undefined;
    this.videoTarget.srcObject = null;
    this.videoTarget.hidden = true;
  }
}

/** So that the camera's light goes out. */
function stopAll(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}

/** What the browser has for it (Shape Detection API), if anything. */
function detectors(): Detectors | undefined {
  return (globalThis as { BarcodeDetector?: Detectors }).BarcodeDetector;
}

async function detectorOf(known: Detectors | undefined): Promise<Detector> {
  if (!known) throw new Error("no detector");
  const formats = await known.getSupportedFormats();
  return new known({ formats: FORMATS.filter((format) => formats.includes(format)) });
}
