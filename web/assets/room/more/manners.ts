// Hands that go up, and the request for silence.
import { Controller } from "@hotwired/stimulus";
import type { Call } from "../../rtc/call";
import { listed } from "../listed";
import { withCall } from "../present_call";

export default class MannersController extends Controller<HTMLElement> {
  static override targets = ["asking", "hand", "hushed"];
  static override values = { main: String };
  declare readonly askingTarget: HTMLElement;
  declare readonly handTarget: HTMLButtonElement;
  declare readonly hushedTarget: HTMLElement;
  declare readonly mainValue: string;
  #call: Call | null = null;
  #ends?: () => void;
  /** Everybody's names, and those who ask to speak in the order they did. */
  readonly #names = new Map<string, string>();
  readonly #raised = new Set<string>();

  override connect(): void {
    this.#ends = withCall(
      (call) => this.#begin(call),
      () => this.#over(),
    );
  }

  override disconnect(): void {
    this.#ends?.();
  }

  async raise(): Promise<void> {
    const isRaised = this.handTarget.getAttribute("aria-pressed") !== "true";
    this.#showOwn(isRaised);
    await this.#call?.client.ask("hand", { raised: isRaised });
  }

  async hush(): Promise<void> {
    await this.#call?.client.ask("hush", {});
  }

  /** The microphone is on again: what was said about it no longer holds. */
  speak(): void {
    this.hushedTarget.hidden = true;
  }

  #begin(call: Call): void {
    this.#call = call;
    call.client.hear("hand", ({ sender, raised }) => this.#show(sender, raised));
    call.client.hear("hush", ({ name }) => {
      if (this.#isSilent) return;
      say(this.hushedTarget, [name]);
      this.dispatch("hushed");
    });
    call.tell({
      joined: ({ peers }) => {
        for (const peer of peers) this.#know(peer);
        // The server forgot it with the line.
        if (this.handTarget.getAttribute("aria-pressed") === "true") void call.client.ask("hand", { raised: true });
      },
      peer: (peer, change) => this.#know({ ...peer, hand: peer.hand && change === "joined" }),
    });
  }

  #over(): void {
    this.#showOwn(false);
    for (const pid of [...this.#raised]) this.#show(pid, false);
    this.hushedTarget.hidden = true;
  }

  /** Whether nothing is heard of this page anyway: muted already, or without a microphone. */
  get #isSilent(): boolean {
    const mute = this.element.querySelector<HTMLButtonElement>("[data-testid=mute]");
    return mute !== null && (mute.disabled || mute.getAttribute("aria-pressed") === "true");
  }

  #know({ pid, name, hand }: { pid: string; name: string; hand: boolean }): void {
    this.#names.set(pid, name);
    this.#show(pid, hand);
  }

  #show(pid: string, raised: boolean): void {
    if (raised) this.#raised.add(pid);
    else this.#raised.delete(pid);
    this.#mark(pid === this.mainValue ? "main" : pid, raised);
    if (this.#raised.size === 0) this.askingTarget.hidden = true;
    else
      say(
        this.askingTarget,
        [...this.#raised].map((one) => this.#names.get(one) ?? ""),
      );
  }

  #showOwn(raised: boolean): void {
    this.handTarget.setAttribute("aria-pressed", String(raised));
    this.#mark("self", raised);
  }

  #mark(key: string, raised: boolean): void {
    const tiles = [...this.element.querySelectorAll<HTMLElement>("[data-tile-key]")];
    const hand = tiles.find(({ dataset }) => dataset.tileKey === key)?.querySelector<HTMLElement>("[data-tile=hand]");
    if (hand) hand.hidden = !raised;
  }
}

/** Show a notice with somebody's name in it, or several, as text. */
function say(notice: HTMLElement, names: string[]): void {
  const words = notice.querySelector("span");
  const text = names.length > 1 ? notice.dataset.textOfSeveral : notice.dataset.text;
  if (words) words.textContent = (text ?? "{name}").replace("{name}", listed(names));
  notice.hidden = false;
}
