// What is sent beside the face: further cameras, the screen, a stethoscope. Each is a stream of its own, with a name.
import { Controller } from "@hotwired/stimulus";
import type { StreamKind } from "../../protocol.gen";
import type { Call } from "../../rtc/call";
import { deviceName, openDetail, openStethoscope, why } from "../../rtc/devices";
import { withCall } from "../present_call";

const MOST = 5; // beside the face

export default class SourcesController extends Controller<HTMLElement> {
  static override targets = [
    ...["camera", "device", "form", "headphones", "list", "name", "none", "row", "screen", "stethoscope", "trouble"],
  ];
  declare readonly cameraTarget: HTMLButtonElement;
  declare readonly deviceTarget: HTMLSelectElement;
  declare readonly formTarget: HTMLFormElement;
  declare readonly headphonesTarget: HTMLElement;
  declare readonly listTarget: HTMLElement;
  declare readonly nameTarget: HTMLInputElement;
  declare readonly noneTarget: HTMLElement;
  declare readonly rowTarget: HTMLTemplateElement;
  declare readonly screenTarget: HTMLButtonElement;
  declare readonly stethoscopeTarget: HTMLButtonElement;
  declare readonly troubleTarget: HTMLElement;
  #call: Call | null = null;
  #ends?: () => void;
  #what: "camera" | "stethoscope" | null = null;
  readonly #sent = new Map<string, { stream: MediaStream; what: StreamKind }>();
  readonly #list = () => void this.#choices();

  override connect(): void {
    this.screenTarget.hidden = !navigator.mediaDevices?.getDisplayMedia; // no telephone can
    navigator.mediaDevices?.addEventListener("devicechange", this.#list);
    this.#ends = withCall(
      (call) => {
        this.#call = call;
      },
      () => this.#stopAll(),
    );
  }

  override disconnect(): void {
    navigator.mediaDevices?.removeEventListener("devicechange", this.#list);
    this.#ends?.();
    this.#stopAll();
  }

  async screen(): Promise<void> {
    const [shared] = [...this.#sent].find(([, { what }]) => what === "screen") ?? [];
    if (shared) return this.#end(shared);
    await this.#open("screen", "", async () => {
      const stream = await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: { max: 10 } }, audio: false });
      const [track] = stream.getVideoTracks() as [MediaStreamTrack];
      track.contentHint = "detail";
      return track;
    });
    this.#close();
  }

  cameras(): void {
    this.#ask("camera");
  }

  stethoscopes(): void {
    this.#ask("stethoscope");
  }

  async add(event: Event): Promise<void> {
    event.preventDefault();
    const [what, device] = [this.#what, this.deviceTarget.value];
    if (!what || !device) return;
    const name = this.nameTarget.value.trim() || (this.deviceTarget.selectedOptions[0]?.text ?? "").slice(0, 40);
    const open = what === "camera" ? openDetail : openStethoscope;
    if (!(await this.#open(what, name, () => open(device)))) return;
    this.#ask(what);
    this.#close();
  }

  async stop({ currentTarget }: Event): Promise<void> {
    const id = (currentTarget as HTMLElement).closest<HTMLElement>("[data-stream]")?.dataset.stream;
    if (id) await this.#end(id);
  }

  /** Show the form for one of the two, or hide it again. */
  #ask(what: "camera" | "stethoscope"): void {
    this.#what = this.#what === what ? null : what;
    this.cameraTarget.setAttribute("aria-expanded", String(this.#what === "camera"));
    this.stethoscopeTarget.setAttribute("aria-expanded", String(this.#what === "stethoscope"));
    this.headphonesTarget.hidden = this.#what !== "stethoscope";
    this.nameTarget.value = "";
    this.troubleTarget.hidden = true;
    void this.#choices();
  }

  async #choices(): Promise<void> {
    const kind = this.#what === "camera" ? "videoinput" : "audioinput";
    const devices = this.#what ? ((await navigator.mediaDevices?.enumerateDevices()) ?? []) : [];
    const found = devices.filter((device) => device.kind === kind && device.deviceId && !isAlias(device.deviceId));
    const before = this.deviceTarget.value;
    this.deviceTarget.replaceChildren(...found.map((one) => new Option(deviceName(one.label), one.deviceId)));
    if (found.some(({ deviceId }) => deviceId === before)) this.deviceTarget.value = before;
    this.formTarget.hidden = found.length === 0;
    this.noneTarget.hidden = !this.#what || found.length > 0;
  }

  async #open(what: StreamKind, name: string, opened: () => Promise<MediaStreamTrack>): Promise<boolean> {
    if (!this.#call) return false;
    if (this.#sent.size >= MOST) {
      this.#say("too-many");
      return false;
    }
    try {
      const track = await opened();
      const stream = new MediaStream([track]);
      track.addEventListener("ended", () => void this.#end(stream.id));
      this.#sent.set(stream.id, { stream, what });
      this.#row(stream.id, name || track.label);
      this.dispatch("shown", { detail: { stream, sent: { id: stream.id, what, ...(name && { name }) } } });
      this.troubleTarget.hidden = true;
      await this.#call.send([{ track, stream, what, ...(name && { name }) }]);
      return true;
    } catch (error) {
      // Who closes the browser's own choice of a screen has changed their mind.
      if (what !== "screen" || why(error) !== "refused") this.#say(why(error));
      return false;
    }
  }

  async #end(id: string): Promise<void> {
    const sent = this.#sent.get(id);
    if (!sent) return;
    this.#sent.delete(id);
    for (const track of sent.stream.getTracks()) track.stop();
    const rows = [...this.listTarget.children] as HTMLElement[];
    rows.find(({ dataset }) => dataset.stream === id)?.remove();
    this.#press();
    this.dispatch("stopped", { detail: { id } });
    await this.#call?.stop(id);
  }

  #stopAll(): void {
    this.#call = null; // there is nobody left to tell
    for (const id of [...this.#sent.keys()]) void this.#end(id);
  }

  #row(id: string, name: string): void {
    const row = (this.rowTarget.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    row.dataset.stream = id;
    const words = row.querySelector("[data-part=name]");
    if (words) words.textContent = name;
    this.listTarget.append(row);
    this.#press();
  }

  #press(): void {
    const isShared = [...this.#sent.values()].some(({ what }) => what === "screen");
    this.screenTarget.setAttribute("aria-pressed", String(isShared));
  }

  #say(trouble: string): void {
    const words = this.troubleTarget.dataset;
    const key = trouble.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    this.troubleTarget.textContent = words[key] ?? words.failed ?? "";
    this.troubleTarget.hidden = false;
  }

  #close(): void {
    this.formTarget.closest("dialog")?.close();
  }
}

/** Names for a device that stands in the list by itself, too. */
function isAlias(id: string): boolean {
  return id === "default" || id === "communications";
}
