// A camera pulled out and back, a headset that comes and goes: what stopped is opened anew, by itself.
import { type Choice, remembered } from "./choice";
import type { Kind } from "./devices";

/** ms after which a change is looked at: a headset appears as several devices, one after the other. */
const SETTLED = 500;
const INPUTS: Record<Kind, MediaDeviceKind> = { audio: "audioinput", video: "videoinput" };
const KINDS: readonly Kind[] = ["audio", "video"];

type Media = Pick<MediaDevices, "enumerateDevices" | "addEventListener" | "removeEventListener">;

export interface Situation {
  /** Whether something of the kind is sent, and by which device. */
  device: string | null;
  /** It was sent until its device went. */
  isLost: boolean;
  /** The devices of the kind there were, and there are. */
  before: readonly string[];
  now: readonly string[];
  /** The one the person chose, if any. */
  chosen: string | undefined;
}

/** Whether a kind of device is to be opened anew: what was sent is gone, one came where there was none, or the chosen is back. */
export function isToReopen({ device, isLost, before, now, chosen }: Situation): boolean {
  if (isLost) return true;
  const come = now.filter((id) => !before.includes(id));
  if (device === null) return come.length > 0;
  return chosen !== undefined && chosen !== device && come.includes(chosen);
}

export class Replugging {
  #stream: MediaStream | null = null;
  readonly #lost = new Set<Kind>();
  readonly #known: Record<Kind, string[]> = { audio: [], video: [] };
  #timer?: ReturnType<typeof setTimeout>;

  /** `reopen` opens a kind anew, sends it, and returns all that is sent then. */
  constructor(
    private readonly reopen: (kind: Kind) => Promise<MediaStream | null>,
    private readonly media: Media | undefined = globalThis.navigator?.mediaDevices,
    private readonly choice: () => Choice = remembered,
  ) {
    media?.addEventListener("devicechange", this.#changed);
  }

  /** This is what is sent from microphone and camera now. */
  async follow(stream: MediaStream | null): Promise<void> {
    this.#stream = stream;
    for (const track of stream?.getTracks() ?? []) {
      track.addEventListener("ended", () => {
        if (!this.#stream?.getTracks().includes(track)) return;
        this.#lost.add(track.kind as Kind);
        this.#changed();
      });
    }
    for (const kind of KINDS) this.#known[kind] = await this.#there(kind);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.media?.removeEventListener("devicechange", this.#changed);
    this.#stream = null;
  }

  readonly #changed = (): void => {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), SETTLED);
  };

  async #look(): Promise<void> {
    const { microphone, camera } = this.choice();
    for (const kind of KINDS) {
      const now = await this.#there(kind);
      const track = this.#stream?.getTracks().find((one) => one.kind === kind && one.readyState === "live");
      const situation = {
        device: track ? (track.getSettings().deviceId ?? "") : null,
        isLost: this.#lost.delete(kind),
        before: this.#known[kind],
        now,
        chosen: kind === "audio" ? microphone : camera,
      };
      this.#known[kind] = now;
      if (isToReopen(situation)) await this.follow(await this.reopen(kind));
    }
  }

  async #there(kind: Kind): Promise<string[]> {
    const all = (await this.media?.enumerateDevices()) ?? [];
    return all.filter((device) => device.kind === INPUTS[kind]).map(({ deviceId }) => deviceId);
  }
}
