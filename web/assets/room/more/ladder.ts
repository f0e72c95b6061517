// How much is sent, in words: what the other side's link carries, what ours does, what the person wants. And single pictures.
import { Controller } from "@hotwired/stimulus";
import type { NetOf, Peer, RungName, Why } from "../../protocol.gen";
import type { Call } from "../../rtc/call";
import type { Ladder, Mode } from "../../rtc/ladder";
import { allowance, photographed, Shutter } from "../../rtc/stills";
import { listed } from "../listed";
import { withCall } from "../present_call";
import { StillTiles } from "../still_tiles";

type Word = RungName | "chosen" | null;

/** So long without sound and picture of who is there, and other ways are offered, ms. */
const PATIENCE = 60_000;

export default class LadderController extends Controller<HTMLElement> {
  static override targets = ["mode", "own", "picture", "stuck", "theirs"];
  static override values = { main: String, name: String };
  declare readonly modeTargets: HTMLInputElement[];
  declare readonly ownTargets: HTMLElement[];
  declare readonly pictureTarget: HTMLTemplateElement;
  declare readonly stuckTarget: HTMLElement;
  declare readonly theirsTargets: HTMLElement[];
  /** Who has the large picture, and their name. */
  declare readonly mainValue: string;
  declare readonly nameValue: string;

  readonly #names = new Map<string, string>();
  readonly #words = new Map<string, Word>();
  #call: Call | null = null;
  #stills?: StillTiles;
  #shutter?: Shutter;
  #uplink: number | null = null;
  #isThrough = false;
  #stuck?: ReturnType<typeof setTimeout> | undefined;
  #stop?: () => void;
  readonly #button = new MutationObserver(() => this.#showMode());

  override connect(): void {
    this.#names.set(this.mainValue, this.nameValue);
    this.#stills ??= new StillTiles(this.element, this.pictureTarget, this.mainValue, document.documentElement.lang);
    if (this.#soundOnly) this.#button.observe(this.#soundOnly, { attributeFilter: ["aria-pressed"] });
    this.#stop = withCall(
      (call) => this.#begin(call),
      () => this.#over(),
    );
  }

  override disconnect(): void {
    this.#stop?.();
    this.#shutter?.set(false);
    this.#moving();
    this.#button.disconnect();
  }

  /** One of the four. Sound only is the button's own act, in both directions. */
  choose({ currentTarget }: Event): void {
    const mode = (currentTarget as HTMLInputElement).value as Mode;
    if ((mode === "audio") !== this.#isSoundOnly) this.#soundOnly?.click();
    if (mode !== "audio") this.#call?.choose(mode);
  }

  receive({ currentTarget }: Event): void {
    this.#call?.receiveVideo(!(currentTarget as HTMLInputElement).checked);
  }

  /** The session ends with the answer in writing: the others hear it before this page goes. */
  leave(): void {
    void this.#call?.client.leave();
  }

  #begin(call: Call): void {
    this.#call = call;
    const video = this.element.querySelector<HTMLVideoElement>("[data-testid=local-video]");
    this.#shutter?.set(false);
    this.#shutter = new Shutter(
      async (size) => (video && call.isCameraOn ? photographed(video, size) : null),
      (piece) => call.still(piece),
      () => allowance(this.#uplink, call.ladder.plan.sound),
    );
    call.tell({
      joined: ({ peers }) => {
        for (const { pid, name } of peers) this.#names.set(pid, name);
        if (peers.some(({ pid, present }) => present && pid === this.mainValue)) this.#awaited();
      },
      link: ({ pid }, state) => {
        if (pid !== this.mainValue) return;
        this.#isThrough = state === "connected";
        if (this.#isThrough) this.#moving();
        else this.#awaited();
      },
      peer: (peer, change) => this.#peer(peer, change),
      readings: (readings) => {
        const known = readings.map(({ uplink }) => uplink).filter((uplink) => uplink !== null);
        this.#uplink = known.length > 0 ? Math.min(...known) : null;
      },
      ladder: (ladder) => this.#own(ladder),
      net: (net) => this.#theirs(net),
      still: (pid, picture) => this.#stills?.show(pid, picture),
    });
    this.#own(call.ladder);
  }

  #peer({ pid, name }: Peer, change: string): void {
    this.#names.set(pid, name);
    if (pid === this.mainValue && change === "joined") this.#awaited();
    if (pid === this.mainValue && change === "left") {
      this.#isThrough = false;
      this.#moving();
    }
    if (change === "left") this.#theirs({ sender: pid, rung: "hd", why: "fine" });
  }

  /** The other side is there, and nothing comes of theirs yet. */
  #awaited(): void {
    if (this.#isThrough) return;
    this.#stuck ??= setTimeout(() => {
      this.stuckTarget.hidden = false;
    }, PATIENCE);
  }

  #moving(): void {
    clearTimeout(this.#stuck);
    this.#stuck = undefined;
    this.stuckTarget.hidden = true;
  }

  #over(): void {
    this.#moving();
    this.#shutter?.set(false);
    for (const pid of [...this.#words.keys()]) this.#theirs({ sender: pid, rung: "hd", why: "fine" });
    for (const target of this.ownTargets) target.hidden = true;
  }

  #own({ rung, why }: Pick<Ladder, "rung" | "why">): void {
    this.#shutter?.set(rung.name === "stills");
    const word = wordOf(rung.name, why);
    for (const target of this.ownTargets) target.hidden = target.dataset.state !== word;
  }

  #theirs({ sender, rung, why }: NetOf): void {
    this.#stills?.rests(sender, rung === "stills" || rung === "audio");
    this.#words.set(sender, rung === "240p" ? null : wordOf(rung, why));
    for (const target of this.theirsTargets) {
      const word = target.dataset.state;
      const names = [...this.#words].filter(([, one]) => one === word).map(([pid]) => this.#names.get(pid) ?? "");
      target.hidden = names.length === 0;
      const span = target.querySelector("span");
      const text = names.length > 1 ? target.dataset.textOfSeveral : target.dataset.text;
      if (span) span.textContent = (text ?? "").replace("{name}", listed(names));
    }
  }

  #showMode(): void {
    const mode = this.#isSoundOnly ? "audio" : this.#call?.ladder.mode;
    for (const target of this.modeTargets) target.checked = target.value === mode;
  }

  get #soundOnly(): HTMLButtonElement | null {
    return this.element.querySelector("[data-testid=audio-only]");
  }

  get #isSoundOnly(): boolean {
    return this.#soundOnly?.getAttribute("aria-pressed") === "true";
  }
}

/** Which words a rung asks for: none where it is as good as can be, or where sound alone was chosen, which the picture says. */
export function wordOf(rung: RungName, why: Why): Word {
  if (why === "chosen") return rung === "stills" ? "chosen" : null;
  if (rung === "stills" || rung === "audio") return rung;
  return rung === "240p" && why === "weak" ? rung : null;
}
