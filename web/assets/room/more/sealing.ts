// Says on the page who can hear and see the call, and shows the words by which people make sure.
import { Controller } from "@hotwired/stimulus";
import type { Call } from "../../rtc/call";
import type { Standing } from "../../rtc/sealing/ring";
import { withCall } from "../present_call";

type State = "unknown" | "direct" | "sealed" | "open" | "alarm";

export default class SealingController extends Controller<HTMLElement> {
  static override targets = ["button", "when", "safety", "words", "list"];
  declare readonly buttonTarget: HTMLButtonElement;
  declare readonly whenTargets: HTMLElement[];
  declare readonly safetyTarget: HTMLElement;
  declare readonly wordsTarget: HTMLElement;
  declare readonly listTarget: HTMLTemplateElement;

  #stop?: () => void;
  #standing: Standing | null = null;
  #isDirect = true;

  override connect(): void {
    this.#stop = withCall(
      (call) => this.#begin(call),
      () => this.#stand(null),
    );
  }

  override disconnect(): void {
    this.#stop?.();
  }

  #begin(call: Call): void {
    call.tell({
      path: ({ way }) => {
        this.#isDirect = way === "direct";
        this.#show();
      },
      sealed: (standing) => this.#stand(standing),
    });
  }

  #stand(standing: Standing | null): void {
    this.#standing = standing;
    this.#show();
  }

  #show(): void {
    const state = stateOf(this.#standing, this.#isDirect);
    this.element.dataset.sealingState = state;
    this.buttonTarget.hidden = state === "unknown";
    for (const target of this.whenTargets) target.hidden = !target.dataset.when?.split(" ").includes(state);
    const words = this.#standing?.words ?? [];
    this.safetyTarget.hidden = words.length === 0 || state === "open";
    const all = [...this.listTarget.content.children];
    this.wordsTarget.replaceChildren(...words.map((number) => all[number]?.cloneNode(true) ?? ""));
  }
}

/** Where nobody else is, there is nothing to say yet. */
export function stateOf(standing: Standing | null, isDirect: boolean): State {
  if (!standing) return "unknown";
  if (standing.alarm) return "alarm";
  if (!standing.hasOthers) return "unknown";
  if (isDirect) return "direct";
  return standing.policy;
}
