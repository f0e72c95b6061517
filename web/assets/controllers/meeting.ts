// How a team meeting stands: who of its members is there, and on its page whether one can go into its call.
import { Controller } from "@hotwired/stimulus";
import { subscribe } from "../hints";

const EVERY_MS = 4000;

/** The answer of `/meetings/{id}/now`. */
interface Now {
  /** Whether its call can be entered. */
  open: boolean;
  quorum: string;
}

export default class MeetingController extends Controller {
  static override values = { url: String };
  static override targets = ["quorum", "enter"];
  declare readonly urlValue: string;
  declare readonly quorumTarget: HTMLElement;
  declare readonly hasQuorumTarget: boolean;
  declare readonly enterTarget: HTMLElement;
  declare readonly hasEnterTarget: boolean;
  #isLooking = false;
  #stop?: () => void;
  #timer?: ReturnType<typeof setInterval>;

  override connect(): void {
    if (!this.urlValue) return;
    this.#stop = subscribe(() => void this.look());
    this.#timer = setInterval(() => void this.look(), EVERY_MS);
  }

  override disconnect(): void {
    this.#stop?.();
    clearInterval(this.#timer);
  }

  /** Look where the meeting is. What cannot be asked now is asked again. */
  async look(): Promise<void> {
    if (this.#isLooking) return; // several hints at once are one question; what comes later the clock asks
    this.#isLooking = true;
    let now: Now;
    try {
      const answer = await fetch(this.urlValue, { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      now = await answer.json();
    } catch {
      return;
    } finally {
      this.#isLooking = false;
    }
    if (!this.element.isConnected) return;
    if (this.hasQuorumTarget && now.quorum && this.quorumTarget.textContent !== now.quorum) {
      this.quorumTarget.textContent = now.quorum;
    }
    if (this.hasEnterTarget) this.enterTarget.hidden = !now.open;
  }
}
