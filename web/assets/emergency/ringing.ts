// On every page of those who may be rung in an emergency. The socket hints, the server says what rings; the dialog shows it, and
// tells that it does. Answered or declined on one device, it falls silent on all.
import { Controller } from "@hotwired/stimulus";
import { subscribe } from "../hints";
import { ownHeaders } from "../requests";
import { Bell, listenForPress } from "./bell";

const LOOK_MS = 5000;

export default class RingingController extends Controller<HTMLElement> {
  static override targets = ["dialog"];
  static override values = { url: String, title: String };
  declare readonly dialogTarget: HTMLDialogElement;
  declare readonly urlValue: string;
  declare readonly titleValue: string;
  #stop?: () => void;
  #timer?: ReturnType<typeof setInterval>;
  #bell?: Bell;
  #told = new Set<string>();
  #looks = 0;

  override connect(): void {
    listenForPress();
    this.#bell = new Bell(this.titleValue, (sounds) => this.#heard(sounds));
    this.#stop = subscribe((change) => {
      if (!change || ["ring", "everything"].includes(change.what) || this.dialogTarget.open) void this.look();
    });
  }

  override disconnect(): void {
    this.#stop?.();
    this.#silence();
  }

  /** Ask the server what rings now. */
  async look(): Promise<void> {
    const look = ++this.#looks;
    try {
      const answer = await fetch(this.urlValue, { headers: { Accept: "text/html" }, redirect: "manual" });
      const text = answer.status === 200 ? await answer.text() : "";
      if (look !== this.#looks || !(answer.ok || answer.type === "opaqueredirect")) return;
      if (text) this.#show(text);
      else this.#silence();
    } catch {
      // The line is away: what rings goes on ringing, and is looked at again.
    }
  }

  /** No, without leaving the page: what is written there stays. */
  async decline(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    for (const button of this.dialogTarget.querySelectorAll("button")) button.disabled = true;
    try {
      await fetch(form.action, {
        method: "POST",
        headers: ownHeaders(),
        body: new URLSearchParams(),
        redirect: "manual",
      });
    } catch {
      form.submit();
    }
    await this.look();
  }

  /** Escape makes it quiet here; it does not answer, and others are called in their turn. */
  hush(event: Event): void {
    event.preventDefault();
    this.#bell?.stop();
  }

  #show(text: string): void {
    const body = new DOMParser().parseFromString(text, "text/html").querySelector(".ringing-body");
    if (!body) return;
    const calls = callsIn(body);
    const isSame = this.dialogTarget.open && calls.join() === callsIn(this.dialogTarget).join();
    if (!isSame) {
      this.dialogTarget.replaceChildren(body);
      if (!this.dialogTarget.open) {
        this.dialogTarget.showModal();
        this.dialogTarget.focus(); // on no button: who is typing must not answer by it
      }
      this.#bell?.ring();
      this.#timer ??= setInterval(() => void this.look(), LOOK_MS);
    }
    for (const call of calls) this.#tell(call);
  }

  #tell(call: string): void {
    if (this.#told.has(call)) return;
    this.#told.add(call);
    fetch(call, { method: "POST", headers: ownHeaders() }).catch(() => this.#told.delete(call));
  }

  #heard(sounds: boolean): void {
    this.dialogTarget.dataset.sounding = String(sounds);
    const muted = this.dialogTarget.querySelector<HTMLElement>("[data-mute]");
    if (muted) muted.hidden = sounds;
  }

  #silence(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#bell?.stop();
    if (this.dialogTarget.open) this.dialogTarget.close();
  }
}

function callsIn(element: Element): string[] {
  return [...element.querySelectorAll<HTMLElement>("[data-ring]")].map((call) => call.dataset.ring ?? "");
}
