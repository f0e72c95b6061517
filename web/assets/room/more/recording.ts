// Recording the session: asks, answers, and keeps the banner in sight while it lasts.
import { Controller } from "@hotwired/stimulus";
import type { Peer, RecordAct, RecordingNow, RecordingState } from "../../protocol.gen";
import type { Call } from "../../rtc/call";
import { listed } from "../listed";
import { withCall } from "../present_call";

export type Shown = "none" | "asked" | "waiting" | "starting" | "recording" | "paused" | "over";

export default class RecordingController extends Controller<HTMLElement> {
  static override targets = ["part", "text", "why", "trouble"];
  static override values = { unmet: String };
  declare readonly partTargets: HTMLElement[];
  declare readonly textTargets: HTMLElement[];
  declare readonly whyTargets: HTMLElement[];
  declare readonly troubleTarget: HTMLElement;
  declare readonly unmetValue: string;
  #call: Call | null = null;
  #ends?: () => void;
  #me = "";
  #now: RecordingState | null = null;
  readonly #names = new Map<string, string>();

  override connect(): void {
    this.#ends = withCall(
      (call) => this.#begin(call),
      () => this.#over(),
    );
  }

  override disconnect(): void {
    this.#ends?.();
  }

  async ask(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    if (await this.#act({ act: "ask", patient: patientOf(form) })) form.closest("dialog")?.close();
  }

  async agree(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    await this.#answer("agree", patientOf(event.target as HTMLFormElement));
  }

  async decline(): Promise<void> {
    await this.#answer("decline");
  }

  async withdraw(): Promise<void> {
    await this.#answer("withdraw");
  }

  async stop(): Promise<void> {
    await this.#answer("stop");
  }

  close(): void {
    this.#show("none");
  }

  #begin(call: Call): void {
    this.#call = call;
    call.tell({
      joined: ({ pid, peers }) => {
        this.#me = pid;
        for (const peer of peers) this.#know(peer);
        void call.client.ask("record", { act: "look" });
      },
      peer: (peer) => this.#know(peer),
    });
    call.client.hear("recording", (told) => this.#take(told));
  }

  #over(): void {
    this.#now = null;
    this.#show("none");
  }

  #know({ pid, name }: Peer): void {
    this.#names.set(pid, name);
  }

  #take({ recording, over }: RecordingNow): void {
    const was = this.#now;
    this.#now = recording ?? null;
    if (recording) {
      this.#show(shownOf(recording, this.#me));
      // By now this page sends nothing that the server cannot read: sealing hears the same message, before this one.
      if (recording.phase === "starting") setTimeout(() => void this.#answer("ready"));
    } else if (over || was) this.#show("over", over ?? "stopped");
    else if (this.element.dataset.shown !== "over") this.#show("none");
  }

  #show(shown: Shown, why = ""): void {
    this.element.dataset.shown = shown;
    for (const part of this.partTargets) part.hidden = !part.dataset.when?.split(" ").includes(shown);
    for (const words of this.whyTargets) words.hidden = words.dataset.why !== why;
    const names = listed((this.#now?.awaited ?? []).map((pid) => this.#names.get(pid) ?? ""));
    for (const text of this.textTargets) {
      text.textContent = (text.dataset.text ?? "").replace("{name}", this.#now?.by ?? "").replace("{names}", names);
    }
    this.troubleTarget.hidden = true;
  }

  async #answer(act: RecordAct["act"], patient?: RecordAct["patient"]): Promise<void> {
    if (this.#now) await this.#act({ act, recording: this.#now.id, patient });
  }

  async #act(message: RecordAct): Promise<boolean> {
    const isTaken = (await this.#call?.client.ask("record", message)) != null;
    this.troubleTarget.textContent = this.unmetValue;
    this.troubleTarget.hidden = isTaken || message.act === "ready";
    return isTaken;
  }
}

/** What of a recording somebody is shown. */
export function shownOf({ phase, awaited }: RecordingState, me: string): Shown {
  if (awaited.includes(me)) return "asked";
  return phase === "asked" ? "waiting" : phase;
}

/** What the doctor says for the patient; nothing where the form does not ask. */
export function patientOf(form: HTMLFormElement): RecordAct["patient"] {
  const said = new FormData(form);
  const by = said.get("by");
  if (by !== "patient" && by !== "representative") return undefined;
  const name = String(said.get("name") ?? "").trim();
  return { by, ...(name && { name }) };
}
