// The page that tries camera, sound and link before a session: one step after the other, then a verdict.
import { Controller } from "@hotwired/stimulus";
import { remember, remembered } from "../rtc/choice";
import { deviceName, type Kind, openDevices, type Trouble } from "../rtc/devices";
import { Door, Refused } from "./door";
import { Probe, type Step } from "./probe";
import { levelOf, makeNoise, playTone } from "./sounds";

type Stage = "begin" | "devices" | "measuring" | "done" | "failed";
/** Louder than this, somebody spoke. */
const HEARD = 0.35;

export default class CheckController extends Controller<HTMLElement> {
  static override targets = [
    ...["unscripted", "stage", "picture", "level", "heard", "camera", "microphone", "trouble", "step", "bar"],
    ...["failure", "verdict"],
  ];
  static override values = { url: String };
  declare readonly urlValue: string;
  declare readonly unscriptedTarget: HTMLElement;
  declare readonly stageTargets: HTMLElement[];
  declare readonly pictureTarget: HTMLVideoElement;
  declare readonly levelTarget: HTMLProgressElement;
  declare readonly heardTarget: HTMLElement;
  declare readonly cameraTarget: HTMLSelectElement;
  declare readonly microphoneTarget: HTMLSelectElement;
  declare readonly troubleTargets: HTMLElement[];
  declare readonly stepTargets: HTMLElement[];
  declare readonly barTarget: HTMLProgressElement;
  declare readonly failureTargets: HTMLElement[];
  declare readonly verdictTarget: HTMLElement & { src: string | null; reload(): void };
  #stream: MediaStream | null = null;
  #quiet = () => {};
  #stopping = new AbortController();
  #speaker: boolean | null = null;
  #stage: Stage = "begin";

  override connect(): void {
    this.unscriptedTarget.hidden = true;
    this.#show("begin");
  }

  override disconnect(): void {
    this.#stopping.abort();
    this.#letGo();
  }

  async begin(): Promise<void> {
    this.#speaker = null;
    this.#show("devices");
    await this.#open();
  }

  async choose(): Promise<void> {
    remember({ camera: this.cameraTarget.value, microphone: this.microphoneTarget.value });
    await this.#open();
  }

  async tone(): Promise<void> {
    await playTone(remembered().speaker);
  }

  hears(): Promise<void> {
    this.#speaker = true;
    return this.measure();
  }

  hearsNothing(): Promise<void> {
    this.#speaker = false;
    return this.measure();
  }

  /** The link, and keep what was found of everything. */
  async measure(): Promise<void> {
    this.#show("measuring");
    const { signal } = this.#stopping;
    const door = new Door(this.urlValue);
    try {
      const found = await new Probe(door, makeNoise, (step, done) => this.#tell(step, done)).measure(signal);
      const works = (kind: Kind) => this.#stream?.getTracks().some((track) => track.kind === kind) ?? false;
      await door.keep(found, { camera: works("video"), microphone: works("audio"), speaker: this.#speaker });
      if (!signal.aborted) this.#end();
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  cancel(): void {
    this.#stopping.abort();
    this.#stopping = new AbortController();
    this.#letGo();
    this.#show("begin");
  }

  #end(): void {
    this.#letGo();
    this.verdictTarget.src = this.urlValue;
    this.verdictTarget.reload();
    this.#show("done");
    this.verdictTarget.scrollIntoView({ block: "nearest" });
  }

  #fail(error: unknown): void {
    const status = error instanceof Refused ? error.status : 0;
    const why = [429, 503].includes(status) ? "busy" : status === 0 ? "offline" : "refused";
    for (const one of this.failureTargets) one.hidden = one.dataset.why !== why;
    this.#show("failed");
  }

  async #open(): Promise<void> {
    this.#letGo();
    const { stream, trouble } = await openDevices();
    if (!this.element.isConnected) return stream?.getTracks().forEach((track) => void track.stop());
    this.#stream = stream;
    this.pictureTarget.srcObject = stream;
    const microphone = stream?.getAudioTracks()[0];
    if (microphone) this.#quiet = levelOf(microphone, (level) => this.#hear(level));
    this.#showTrouble(trouble);
    await this.#list();
  }

  #hear(level: number): void {
    this.levelTarget.value = level;
    if (level > HEARD) this.heardTarget.hidden = false;
  }

  #showTrouble(trouble: Partial<Record<Kind, Trouble>>): void {
    for (const one of this.troubleTargets) {
      const [kind, why] = (one.dataset.trouble ?? "").split(":") as [Kind, Trouble];
      one.hidden = trouble[kind] !== why;
    }
  }

  /** Names are told once the browser was allowed to use one of them. */
  async #list(): Promise<void> {
    const known = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    for (const [kind, select] of [
      ["videoinput", this.cameraTarget],
      ["audioinput", this.microphoneTarget],
    ] as const) {
      const own = known.filter((device) => device.kind === kind && device.deviceId);
      const used = this.#stream
        ?.getTracks()
        .find((track) => `${track.kind}input` === kind)
        ?.getSettings().deviceId;
      select.replaceChildren(
        ...own.map(({ label, deviceId }) => new Option(deviceName(label), deviceId, false, deviceId === used)),
      );
      select.closest<HTMLElement>(".field")?.toggleAttribute("hidden", own.length < 2);
    }
  }

  #letGo(): void {
    this.#quiet();
    this.#quiet = () => {};
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = null;
  }

  #tell(step: Step, done: number): void {
    this.barTarget.value = done;
    for (const one of this.stepTargets) one.hidden = one.dataset.step !== step;
  }

  /** What comes with a new verdict belongs to a stage, too. */
  stageTargetConnected(target: HTMLElement): void {
    target.hidden = !target.dataset.stage?.split(" ").includes(this.#stage);
  }

  #show(stage: Stage): void {
    this.#stage = stage;
    for (const one of this.stageTargets) this.stageTargetConnected(one);
  }
}
