// The bell in the bar, and the signal that the other side of one's session is in the room: on any page, in the tab's title,
// as a sound and as a notification where the browser lets us. The socket hints; the room's page tells the truth.
import { Controller } from "@hotwired/stimulus";
import { subscribe } from "../hints";
import { chime } from "../room/chime";

const SHOWN_MS = 120_000;

interface Badged {
  setAppBadge?(count: number): Promise<void>;
  clearAppBadge?(): Promise<void>;
}

export default class NewsController extends Controller<HTMLElement> {
  static override targets = ["arrival", "bell"];
  declare readonly arrivalTarget: HTMLTemplateElement;
  #stop?: () => void;
  #shown?: HTMLElement;
  #timer?: ReturnType<typeof setTimeout>;
  #title = "";

  override connect(): void {
    this.#stop = subscribe((change) => {
      if (change?.what === "arrival" && change.id) this.announce(change.id);
    });
    document.addEventListener("visibilitychange", this.#seen);
  }

  override disconnect(): void {
    this.#stop?.();
    document.removeEventListener("visibilitychange", this.#seen);
    this.#clear();
  }

  /** The number on the bell is the number on the installed page's icon. */
  bellTargetConnected(bell: HTMLElement): void {
    const count = Number(bell.dataset.count);
    const badged = navigator as Badged;
    void (count ? badged.setAppBadge?.(count) : badged.clearAppBadge?.())?.catch(() => undefined);
  }

  /** Somebody waits in the room of this consult; whoever is on its page sees that there. */
  announce(consult: string): void {
    const room = `/consults/${consult}/room`;
    if (location.pathname === room) return;
    this.#clear();
    const shown = this.arrivalTarget.content.firstElementChild?.cloneNode(true) as HTMLElement;
    const [join, later] = [shown.querySelector("a"), shown.querySelector("button")];
    if (join) join.href = room;
    later?.addEventListener("click", () => this.#clear());
    document.body.append(shown);
    this.#shown = shown;
    this.#timer = setTimeout(() => this.#clear(), SHOWN_MS);
    chime();
    if (document.hidden) this.#call(shown.querySelector("h2, h3, strong, .notice-title")?.textContent ?? "", consult);
  }

  /** In another tab, or behind another window: the title, and a notification where one is allowed. */
  #call(words: string, consult: string): void {
    this.#title ||= document.title;
    document.title = `● ${words.trim()}`;
    if (!("Notification" in window) || Notification.permission !== "granted") return;
    try {
      const call = new Notification("Téléconsult", { body: words.trim(), tag: consult });
      call.onclick = () => {
        window.focus();
        call.close();
      };
    } catch {
      // Browsers of phones show notifications by their service worker alone: they got a push.
    }
  }

  #seen = (): void => {
    if (document.hidden || !this.#title) return;
    document.title = this.#title;
    this.#title = "";
  };

  #clear(): void {
    clearTimeout(this.#timer);
    this.#shown?.remove();
    this.#shown = undefined;
  }
}
