// Camera, microphone and loudspeaker, chosen during the call and remembered on this device.
import { Controller } from "@hotwired/stimulus";
import { type Choice, remember, remembered } from "../../rtc/choice";
import { deviceName } from "../../rtc/devices";
import { withCall } from "../present_call";

type DeviceKind = "videoinput" | "audioinput" | "audiooutput";

const CHOSEN: Record<DeviceKind, "camera" | "microphone" | "speaker"> = {
  videoinput: "camera",
  audioinput: "microphone",
  audiooutput: "speaker",
};

export default class CallDevicesController extends Controller<HTMLElement> {
  static override targets = ["calm", "flip", "select", "speakers"];
  declare readonly calmTarget: HTMLInputElement;
  declare readonly flipTarget: HTMLButtonElement;
  declare readonly selectTargets: HTMLSelectElement[];
  declare readonly speakersTarget: HTMLElement;
  #ends?: () => void;
  readonly #list = () => void this.#show();

  override connect(): void {
    this.calmTarget.checked = remembered().calm ?? true;
    navigator.mediaDevices?.addEventListener("devicechange", this.#list);
    this.#ends = withCall((call) => {
      // Names of devices are told only once one of them has been allowed.
      this.#list();
      call.tell({ stream: () => queueMicrotask(() => this.#route()) });
    });
  }

  override disconnect(): void {
    navigator.mediaDevices?.removeEventListener("devicechange", this.#list);
    this.#ends?.();
  }

  choose({ currentTarget }: Event): void {
    const select = currentTarget as HTMLSelectElement;
    const kind = select.dataset.kind as DeviceKind;
    remember({ [CHOSEN[kind]]: select.value });
    if (kind === "audiooutput") this.#route();
    else this.#reopen(kind === "videoinput" ? "video" : "audio");
  }

  calm(): void {
    remember({ calm: this.calmTarget.checked });
    this.#reopen("audio");
  }

  /** A telephone's other camera. */
  flip(): void {
    const facing: Choice["facing"] = remembered().facing === "environment" ? "user" : "environment";
    remember({ facing, camera: "" });
    this.#reopen("video");
  }

  #reopen(kind: "audio" | "video"): void {
    this.dispatch("chosen", { detail: { kind } });
  }

  async #show(): Promise<void> {
    const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    const choice = remembered();
    for (const select of this.selectTargets) {
      const kind = select.dataset.kind as DeviceKind;
      const found = devices.filter((device) => device.kind === kind && device.deviceId);
      select.replaceChildren(...found.map((one) => new Option(deviceName(one.label), one.deviceId)));
      select.disabled = found.length === 0;
      const chosen = choice[CHOSEN[kind]] ?? "";
      if (found.some(({ deviceId }) => deviceId === chosen)) select.value = chosen;
    }
    this.speakersTarget.hidden =
      !("setSinkId" in HTMLMediaElement.prototype) || !devices.some(({ kind }) => kind === "audiooutput");
    const cameras = devices.filter(({ kind }) => kind === "videoinput").length;
    this.flipTarget.hidden = cameras < 2 || !matchMedia("(pointer: coarse)").matches;
  }

  /** Everything that sounds, by the chosen loudspeaker; one that is not there gives way to the usual one. */
  #route(): void {
    const { speaker } = remembered();
    if (speaker === undefined) return;
    for (const video of this.element.querySelectorAll<HTMLVideoElement>("video:not([muted])")) {
      video.setSinkId?.(speaker).catch(() => undefined);
    }
  }
}
