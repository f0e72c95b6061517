// A picture out of the video: frozen at its best, looked at, kept among the images where the patient agrees.
import { Controller } from "@hotwired/stimulus";
import { ownHeaders } from "../../requests";

interface Capturing {
  takePhoto(): Promise<Blob>;
}
declare const ImageCapture: undefined | (new (track: MediaStreamTrack) => Capturing);

const QUALITY = 0.95;

export default class StillController extends Controller<HTMLElement> {
  static override targets = ["error", "form", "kept", "picture", "submit"];
  declare readonly errorTarget: HTMLElement;
  declare readonly formTarget: HTMLFormElement;
  declare readonly keptTarget: HTMLElement;
  declare readonly pictureTarget: HTMLImageElement;
  declare readonly submitTarget: HTMLButtonElement;
  #picture: Blob | null = null;

  async freeze({ currentTarget }: Event): Promise<void> {
    const tile = (currentTarget as HTMLElement).closest<HTMLElement>("[data-tile-key]");
    const video = tile?.querySelector("video");
    const isOurCamera =
      tile?.dataset.tileKey === "self" || (tile?.dataset.own === "" && tile.dataset.what === "camera");
    this.#picture = video ? await ((isOurCamera && (await photographed(video))) || frozen(video)) : null;
    if (!this.#picture) return;
    this.pictureTarget.src = URL.createObjectURL(this.#picture);
    this.formTarget.reset();
    this.errorTarget.hidden = this.keptTarget.hidden = true;
    this.#dialog?.showModal();
    this.formTarget.querySelector("input")?.focus();
  }

  async keep(event: Event): Promise<void> {
    event.preventDefault();
    if (!this.#picture) return;
    const body = new FormData(this.formTarget); // who agreed
    body.append("picture", this.#picture, "still.jpg");
    this.submitTarget.disabled = true;
    const refusal = await sent(this.formTarget.action, body);
    this.submitTarget.disabled = false;
    if (refusal === null) {
      this.discard();
      this.keptTarget.hidden = false;
      return;
    }
    this.errorTarget.textContent = refusal || (this.errorTarget.dataset.failed ?? "");
    this.errorTarget.hidden = false;
  }

  discard(): void {
    URL.revokeObjectURL(this.pictureTarget.src);
    this.pictureTarget.removeAttribute("src");
    this.#picture = null;
    this.#dialog?.close();
  }

  get #dialog(): HTMLDialogElement | null {
    return this.formTarget.closest("dialog");
  }
}

/** By the camera itself, at its best; null where the browser cannot. */
async function photographed(video: HTMLVideoElement): Promise<Blob | null> {
  const [track] = (video.srcObject as MediaStream | null)?.getVideoTracks() ?? [];
  if (!track || typeof ImageCapture === "undefined") return null;
  return new ImageCapture(track).takePhoto().catch(() => null);
}

/** The frame a video shows now, at its full size. */
async function frozen(video: HTMLVideoElement): Promise<Blob | null> {
  if (video.videoWidth === 0) return null;
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((done) => canvas.toBlob(done, "image/jpeg", QUALITY));
}

/** Null once it is kept, else what is wrong in words, or nothing where nobody said. */
async function sent(url: string, body: FormData): Promise<string | null> {
  try {
    const answer = await fetch(url, { method: "POST", body, headers: ownHeaders() });
    if (answer.ok) return null;
    const told: unknown = await answer.json();
    return messageIn(told);
  } catch {
    return "";
  }
}

function messageIn(told: unknown): string {
  const { error, fields } = (told ?? {}) as { error?: string; fields?: Record<string, string> };
  return Object.values(fields ?? {})[0] ?? error ?? "";
}
