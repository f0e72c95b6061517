// Our own microphone and camera on the page: what was opened, what is wrong with the rest, one's own picture.
import { type Devices, type Kind, openDevices } from "../rtc/devices";
import { Replugging } from "../rtc/replugging";
import { play, release } from "./video";

export interface OwnPage {
  mute: HTMLButtonElement;
  camera: HTMLButtonElement;
  self: HTMLElement;
  local: HTMLVideoElement;
  /** The notice, and its sentences: `data-trouble="video:missing"`. */
  troubles: HTMLElement;
  sentences: HTMLElement[];
}

export class OwnDevices {
  stream: MediaStream | null = null;
  #trouble: Devices["trouble"] = {};
  /** What was pulled out is opened anew once it is back, and another in its place until then. */
  readonly #replugging = new Replugging((kind) => this.reopen(kind));

  constructor(
    private readonly page: OwnPage,
    /** This is what is sent from now on. */
    private readonly changed: (stream: MediaStream) => void,
    private readonly open: typeof openDevices = openDevices,
  ) {}

  /** Open these kinds anew, or both; the other one goes on as it is. */
  async reopen(kind?: Kind): Promise<MediaStream | null> {
    const kinds: Kind[] = kind ? [kind] : ["audio", "video"];
    const tracks = this.stream?.getTracks() ?? [];
    const kept = tracks.filter((track) => !kinds.includes(track.kind as Kind) && track.readyState === "live");
    // A telephone opens one camera at a time: the old one goes first.
    for (const track of tracks) if (!kept.includes(track)) track.stop();
    const { stream, trouble } = await this.open(undefined, undefined, kinds);
    for (const one of kinds) delete this.#trouble[one];
    Object.assign(this.#trouble, trouble);
    const all = [...kept, ...(stream?.getTracks() ?? [])];
    this.stream = all.length > 0 ? new MediaStream(all) : null;
    this.#show();
    this.changed(this.stream ?? new MediaStream());
    await this.#replugging.follow(this.stream);
    return this.stream;
  }

  release(): void {
    this.#replugging.close();
    release(this.stream);
    this.stream = null;
  }

  has(kind: Kind): boolean {
    return this.stream?.getTracks().some((track) => track.kind === kind) ?? false;
  }

  #show(): void {
    const { mute, camera, self, local, troubles, sentences } = this.page;
    // What was switched off stays off, whichever device it is now.
    for (const track of this.stream?.getTracks() ?? []) {
      track.enabled = !isPressed(track.kind === "audio" ? mute : camera);
    }
    mute.disabled = !this.has("audio");
    camera.disabled = !this.has("video");
    self.hidden = !this.has("video") || isPressed(camera);
    const [picture] = this.stream?.getVideoTracks() ?? [];
    local.toggleAttribute("data-facing-away", picture?.getSettings().facingMode === "environment");
    if (this.stream) void play(local, this.stream);
    const said = new Set(Object.entries(this.#trouble).map(([kind, why]) => `${kind}:${why}`));
    if (this.#trouble.audio && this.#trouble.video) said.add("both");
    for (const sentence of sentences) sentence.hidden = !said.has(sentence.dataset.trouble ?? "");
    troubles.hidden = said.size === 0;
  }
}

function isPressed(button: HTMLElement): boolean {
  return button.getAttribute("aria-pressed") === "true";
}
