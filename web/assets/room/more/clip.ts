// A clip for a line that carries no moving pictures: recorded here, seen, agreed to, sent in pieces once the line allows.
import { Controller } from "@hotwired/stimulus";
import type { ClipRecorder } from "../clip_recorder";
import { clock } from "../standing";

type Stage = "ready" | "recording" | "made";

export default class ClipController extends Controller<HTMLElement> {
  static override targets = [
    ...["error", "form", "kept", "live", "made", "progress"],
    ...["refused", "sending", "time", "waiting"],
  ];
  static override values = { door: String };
  declare readonly errorTarget: HTMLElement;
  declare readonly formTarget: HTMLFormElement;
  declare readonly keptTarget: HTMLElement;
  declare readonly liveTarget: HTMLVideoElement;
  declare readonly madeTarget: HTMLVideoElement;
  declare readonly progressTarget: HTMLProgressElement;
  declare readonly refusedTarget: HTMLElement;
  declare readonly sendingTarget: HTMLElement;
  declare readonly timeTarget: HTMLElement;
  declare readonly waitingTarget: HTMLElement;
  declare readonly doorValue: string;
  #recorder: ClipRecorder | null = null;
  #clip: File | null = null;
  #said: Record<string, string> = {};
  #sending: AbortController | null = null;

  override disconnect(): void {
    this.#recorder?.stop();
    this.#sending?.abort("leave");
    removeEventListener("beforeunload", hold);
  }

  open(): void {
    document.querySelector<HTMLDialogElement>("dialog[open]")?.close();
    const own = this.#own;
    this.liveTarget.srcObject = own;
    if (own) void this.liveTarget.play();
    this.errorTarget.hidden = own !== null;
    this.errorTarget.textContent = this.errorTarget.dataset.none ?? "";
    if (this.#dialog?.open === false) this.#dialog.showModal();
    if (!this.#clip) this.#show("ready");
  }

  async start(): Promise<void> {
    const own = this.#own;
    if (!own) return;
    const { ClipRecorder } = await import("../clip_recorder");
    try {
      this.#recorder = new ClipRecorder(own, {
        tick: (left) => {
          this.timeTarget.textContent = clock(left);
        },
        made: (clip) => this.#look(clip),
      });
      this.#show("recording");
    } catch {
      this.errorTarget.textContent = this.errorTarget.dataset.failed ?? "";
      this.errorTarget.hidden = false;
    }
  }

  stop(): void {
    this.#recorder?.stop();
  }

  discard(): void {
    this.#forget();
    this.#show("ready");
  }

  async keep(event: Event): Promise<void> {
    event.preventDefault();
    const said = new FormData(this.formTarget);
    this.#said = { agreed: String(said.get("agreed") ?? ""), name: String(said.get("name") ?? "") };
    this.#dialog?.close();
    await this.again();
  }

  /** Send it, or go on with it. */
  async again(): Promise<void> {
    const clip = this.#clip;
    if (!clip) return;
    this.#sending = new AbortController();
    const { signal } = this.#sending;
    this.refusedTarget.hidden = this.keptTarget.hidden = true;
    this.sendingTarget.hidden = false;
    addEventListener("beforeunload", hold);
    try {
      const { deliverFile } = await import("../../uploading/single");
      await deliverFile(clip, {
        door: this.doorValue,
        told: this.#said,
        signal,
        onProgress: (ratio) => {
          this.progressTarget.value = ratio;
        },
        onWaiting: (isWaiting) => {
          this.waitingTarget.hidden = !isWaiting;
        },
      });
      this.#forget();
      this.keptTarget.hidden = false;
    } catch (error) {
      if (!signal.aborted) this.#refuse(error as Error);
    }
    this.sendingTarget.hidden = true;
  }

  cancel(): void {
    this.#sending?.abort();
    this.#forget();
  }

  #refuse({ message }: Error): void {
    const words = this.refusedTarget.querySelector("p");
    if (words) words.textContent = message || (words.dataset.failed ?? "");
    this.refusedTarget.hidden = false;
  }

  #look(clip: File | null): void {
    this.#recorder = null;
    this.#clip = clip;
    this.#show(clip ? "made" : "ready");
    if (clip) this.madeTarget.src = URL.createObjectURL(clip);
  }

  #forget(): void {
    URL.revokeObjectURL(this.madeTarget.src);
    this.madeTarget.removeAttribute("src");
    this.#clip = null;
    this.formTarget.reset();
    removeEventListener("beforeunload", hold);
  }

  #show(stage: Stage): void {
    const isMade = stage === "made";
    for (const part of this.formTarget.querySelectorAll<HTMLElement>("[data-clip-when]")) {
      part.hidden = !part.dataset.clipWhen?.split(" ").includes(stage);
    }
    for (const field of this.formTarget.querySelectorAll("input")) field.disabled = !isMade;
    if (isMade) this.#dialog?.querySelector<HTMLElement>("input")?.focus();
  }

  get #own(): MediaStream | null {
    const own = document.querySelector<HTMLVideoElement>("[data-testid=local-video]")?.srcObject;
    return own instanceof MediaStream && own.getVideoTracks().length > 0 ? own : null;
  }

  get #dialog(): HTMLDialogElement | null {
    return this.formTarget.closest("dialog");
  }
}

/** What only this page holds is lost with it: the browser asks first. */
function hold(event: Event): void {
  event.preventDefault();
}
