// The room's page: shows what a Call tells, and hands it what the person presses. Loaded where a page has a room.
import { type ActionEvent, Controller } from "@hotwired/stimulus";
import { callComes, callStands } from "./call_first";
import { type Frame, lookAgain } from "./frames";
import type {
  ByeReason,
  ChatLine,
  ErrorCode,
  Joined,
  MediaOf,
  Path,
  Peer,
  PeerChanged,
  Room,
  RungName,
  Showing,
  Stream,
} from "./protocol.gen";
import { ChatLog } from "./room/chat_log";
import { chime } from "./room/chime";
import { OwnDevices } from "./room/own_devices";
import { Pictures } from "./room/pictures";
import { begin, end } from "./room/present_call";
import { afterBye, afterRefusal, clock, type Facts, type Over, standing } from "./room/standing";
import { play } from "./room/video";
import { WayIn } from "./room/way_in";
import { Call } from "./rtc/call";
import type { CallView } from "./rtc/call_view";
import type { Kind } from "./rtc/devices";
import type { LinkState } from "./rtc/link";
import type { Grade } from "./rtc/quality";
import { Seal } from "./rtc/sealing/seal";

type Toggle = "mute" | "camera" | "audioOnly";

export default class RoomController extends Controller<HTMLElement> implements Partial<CallView> {
  static override targets = [
    ...["audioOnly", "camera", "grade", "guests", "hear", "input", "leave", "local", "log", "mute", "name", "noteTab"],
    ...["offline", "others", "quiet", "remote", "self", "send", "showing", "showingLink", "stage", "state"],
    ...["admit", "streamTile", "study", "tile", "tiles", "timer", "trouble", "troubles", "unscripted"],
  ];
  static override values = { consult: String, guest: Boolean, main: String, opening: String, zone: String };
  declare readonly consultValue: string;
  /** Whether a guest's device opened the page. */
  declare readonly guestValue: boolean;
  /** Who has the large picture; everyone else a small one. */
  declare readonly mainValue: string;
  /** The rung of the link check; empty where there was none. */
  declare readonly openingValue: RungName | "";
  declare readonly zoneValue: string;
  declare readonly audioOnlyTarget: HTMLButtonElement;
  declare readonly cameraTarget: HTMLButtonElement;
  declare readonly gradeTargets: HTMLElement[];
  declare readonly guestsTargets: Frame[];
  declare readonly hearTarget: HTMLElement;
  declare readonly inputTarget: HTMLInputElement;
  declare readonly leaveTarget: HTMLButtonElement;
  declare readonly localTarget: HTMLVideoElement;
  declare readonly logTarget: HTMLElement;
  declare readonly muteTarget: HTMLButtonElement;
  declare readonly nameTarget: HTMLElement;
  declare readonly noteTabTarget: HTMLElement;
  declare readonly offlineTarget: HTMLElement;
  declare readonly othersTarget: HTMLElement;
  declare readonly quietTarget: HTMLElement;
  declare readonly remoteTarget: HTMLVideoElement;
  declare readonly selfTarget: HTMLElement;
  declare readonly sendTargets: HTMLButtonElement[];
  declare readonly hasShowingTarget: boolean;
  declare readonly showingTarget: HTMLElement;
  declare readonly showingLinkTarget: HTMLAnchorElement;
  declare readonly stageTarget: HTMLElement;
  declare readonly stateTargets: HTMLElement[];
  declare readonly streamTileTarget: HTMLTemplateElement;
  declare readonly studyTarget: HTMLElement;
  declare readonly tileTarget: HTMLTemplateElement;
  /** Where all pictures stand. */
  declare readonly tilesTarget: HTMLElement;
  declare readonly timerTarget: HTMLElement;
  declare readonly troubleTargets: HTMLElement[];
  declare readonly troublesTarget: HTMLElement;
  declare readonly hasUnscriptedTarget: boolean;
  declare readonly unscriptedTarget: HTMLElement;

  #call: Call | null = null;
  #chat?: ChatLog;
  #pictures?: Pictures;
  #devices?: OwnDevices;
  #me = "";
  #showing: Showing | null = null;
  #startedAt: number | null = null;
  #aheadBy = 0; // ms that the server's clock is before ours
  #ticking?: ReturnType<typeof setInterval>;
  #facts: Facts = {
    over: null,
    asked: false,
    door: false,
    joined: false,
    online: true,
    room: "waiting",
    peer: "expected",
    link: null,
    pictures: true,
  };

  override connect(): void {
    if (this.hasUnscriptedTarget) this.unscriptedTarget.remove();
    this.#chat ??= new ChatLog(this.logTarget, document.documentElement.lang, this.zoneValue || undefined);
    const { tilesTarget: stage, othersTarget: others, selfTarget: self, tileTarget: tile } = this;
    this.#pictures = new Pictures({ stage, others, self, tile, streamTile: this.streamTileTarget }, this.mainValue);
    this.#ticking = setInterval(() => this.#tick(), 1000);
    this.remoteTarget.addEventListener("resize", () => this.#know({}));
    callComes(this.element);
    void this.#begin();
  }

  override disconnect(): void {
    clearInterval(this.#ticking);
    this.#hangUp();
    this.#pictures?.close();
  }

  // What the person presses.

  mute(): void {
    this.#call?.setMicrophone(!this.#press("mute"));
  }

  camera(): void {
    this.#call?.setCamera(!this.#press("camera"));
  }

  audioOnly(): void {
    this.#call?.setVideo(!this.#press("audioOnly"));
    this.#know({});
  }

  async leave(): Promise<void> {
    await this.#call?.leave();
    this.#end("left");
  }

  again(): void {
    location.reload();
  }

  /** Another device was chosen, or the missing one may be there now. */
  async reopen({ detail }: Partial<CustomEvent<{ kind?: Kind }>> = {}): Promise<void> {
    await this.#devices?.reopen(detail?.kind);
  }

  /** Somebody asked for silence. */
  silence(): void {
    if (!this.muteTarget.disabled && this.muteTarget.getAttribute("aria-pressed") !== "true") this.mute();
  }

  enlarge({ params: { key } }: ActionEvent): void {
    this.#pictures?.large.toggle(String(key));
  }

  muteStream({ params: { key }, currentTarget }: ActionEvent): void {
    this.#pictures?.streams.mute(String(key), currentTarget as HTMLElement);
  }

  showOwn({ detail: { stream, sent } }: CustomEvent<{ stream: MediaStream; sent: Stream }>): void {
    void this.#pictures?.streams.showOwn(stream, sent);
  }

  removeOwn({ detail: { id } }: CustomEvent<{ id: string }>): void {
    this.#pictures?.streams.remove(id);
  }

  hear(): void {
    this.remoteTarget.muted = false;
    void this.remoteTarget.play();
    this.#pictures?.hear();
    this.hearTarget.hidden = true;
  }

  say(event: Event): void {
    event.preventDefault();
    const text = this.inputTarget.value.trim();
    if (!text || !this.#call) return;
    this.#call.say(text);
    this.inputTarget.value = "";
    this.inputTarget.focus();
  }

  openStudy(): void {
    this.element.dataset.study = "open";
    // On a phone the images stand beneath the call: they were asked for, so they come into sight.
    this.studyTarget.scrollIntoView({ block: "start" });
  }

  closeStudy(): void {
    delete this.element.dataset.study;
    this.studyTarget.replaceChildren(); // who presents presents no more
    this.invite();
  }

  /** Offer to open what the other side shows, unless it is open. */
  invite(): void {
    if (!this.hasShowingTarget) return;
    const id = this.#showing?.study;
    this.showingTarget.hidden = !id || this.studyTarget.querySelector(`[data-together-study-value="${id}"]`) !== null;
  }

  openNote(): void {
    this.noteTabTarget.click();
  }

  joined(reply: Joined): void {
    this.#me = reply.writes_as ?? reply.pid;
    this.#chat?.turnTo(reply.consult ?? null);
    this.#aheadBy = Date.parse(reply.now) - Date.now();
    for (const line of reply.chat) this.chat(line);
    for (const peer of reply.peers) if (peer.present) this.#pictures?.peer(peer, "joined");
    const main = reply.peers.find((peer) => this.#isMain(peer));
    const before = this.#facts.peer === "here" ? "lost" : this.#facts.peer;
    this.#know({ door: false, joined: true, online: true, peer: main?.present ? "here" : before });
    if (main?.present) this.#see(main);
    this.room(reply);
    this.showing(reply.showing ?? null);
    for (const button of this.sendTargets) button.disabled = !reply.consult; // between two cases nothing is kept
    this.leaveTarget.disabled = false;
    callStands(this.element);
  }

  atDoor(): void {
    this.#know({ door: true, online: true });
  }

  guests(): void {
    for (const frame of this.guestsTargets) lookAgain(frame, frame.dataset.url ?? "");
  }

  showing(showing: Showing | null): void {
    this.#showing = showing;
    if (showing && this.hasShowingTarget) this.showingLinkTarget.href = `/studies/${showing.uid}?id=${showing.study}`;
    this.invite();
  }

  peer(peer: Peer, change: PeerChanged["change"]): void {
    if (change === "joined") chime();
    this.#pictures?.peer(peer, change);
    if (!this.#isMain(peer)) return;
    const where = { joined: "here", lost: "lost", left: "left" } as const;
    this.#know({ peer: where[change] });
    if (change === "joined") this.#see(peer);
    if (change === "left") this.#forget();
  }

  media(media: MediaOf): void {
    this.#pictures?.media(media);
    if (media.sender === this.mainValue) this.#see(media);
  }

  link(peer: Peer, link: LinkState): void {
    if (this.#isMain(peer)) this.#know({ link });
    else this.#pictures?.link(peer, link);
  }

  async stream(peer: Peer, stream: MediaStream, sent: Stream): Promise<void> {
    const isFace = sent.what === "main" && this.#isMain(peer);
    const isHeard = await (isFace ? play(this.remoteTarget, stream) : this.#pictures?.stream(peer, stream, sent));
    if (isHeard === false) this.hearTarget.hidden = false;
    else if (isFace) this.hearTarget.hidden = true;
  }

  path({ way, settled }: Path): void {
    if (settled) this.element.dataset.path = way;
  }

  /** Somebody more waits at the door. */
  admitTargetConnected(): void {
    chime();
  }

  room({ state, started_at }: Pick<Room, "state" | "started_at">): void {
    this.#startedAt = state === "live" && started_at ? Date.parse(started_at) : null;
    this.#know({ room: state });
    this.#tick();
  }

  chat(line: ChatLine): void {
    this.#chat?.add(line, line.sender === this.#me);
  }

  quality(grade: Grade): void {
    this.#grade(grade);
  }

  offline(): void {
    this.#know({ online: false });
  }

  refused(error: ErrorCode): void {
    this.#end(afterRefusal(error));
  }

  bye(reason: ByeReason): void {
    this.#end(afterBye(reason));
  }

  async #begin(): Promise<void> {
    this.#know({ asked: false });
    const { muteTarget: mute, cameraTarget: camera, selfTarget: self, localTarget: local } = this;
    const page = { mute, camera, self, local, troubles: this.troublesTarget, sentences: this.troubleTargets };
    this.#devices = new OwnDevices(page, (stream) => void this.#call?.setStream(stream));
    const { meeting, ways = "[]" } = this.element.dataset; // whose call it is, where it is no consult's
    const where = meeting ? { meeting } : { consult: this.consultValue };
    const wayIn = new WayIn(where, JSON.parse(ways), { asGuest: this.guestValue });
    const [stream, seal] = await Promise.all([this.#devices.reopen(), Seal.draw()]);
    if (!this.element.isConnected) {
      this.#devices.release();
      wayIn.close();
      return;
    }
    this.#call = new Call(wayIn, stream, this, this.openingValue || undefined, seal);
    begin(this.#call);
    this.audioOnlyTarget.disabled = false;
    this.#know({ asked: true });
  }

  #isMain(peer: Peer): boolean {
    return peer.pid === this.mainValue;
  }

  #see({ audio, video }: Pick<Peer, "audio" | "video">): void {
    this.quietTarget.hidden = audio;
    this.#know({ pictures: video });
  }

  #know(facts: Partial<Facts>): void {
    this.#facts = { ...this.#facts, ...facts };
    const soundOnly = this.audioOnlyTarget.getAttribute("aria-pressed") === "true";
    const now = standing({ ...this.#facts, pictures: this.#facts.pictures && !soundOnly });
    for (const target of this.stateTargets) target.hidden = target.dataset.state !== now;
    this.stageTarget.dataset.standing = now;
    if (now !== "live" && now !== "silent") this.#pictures?.large.reset(); // there is something to say, in the first picture
    this.nameTarget.hidden = now !== "live" && now !== "silent";
    this.offlineTarget.hidden = this.#facts.online || this.#facts.over !== null;
  }

  /** Press a button that stays down or comes up; returns whether it is down now. */
  #press(name: Toggle): boolean {
    const button = this[`${name}Target`];
    const isDown = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(isDown));
    if (name !== "mute") this.selfTarget.hidden = this.#isPressed("camera") || this.#isPressed("audioOnly");
    return isDown;
  }

  #isPressed(name: Toggle): boolean {
    return (
      this[`${name}Target`].getAttribute("aria-pressed") === "true" || (name === "camera" && this.cameraTarget.disabled)
    );
  }

  #tick(): void {
    this.timerTarget.hidden = this.#startedAt === null;
    if (this.#startedAt === null) return;
    this.timerTarget.textContent = clock((Date.now() + this.#aheadBy - this.#startedAt) / 1000);
  }

  #end(over: Over): void {
    this.#hangUp();
    this.#startedAt = null;
    this.#tick();
    this.#forget();
    this.#pictures?.clear();
    this.selfTarget.hidden = true;
    const controls = [this.muteTarget, this.cameraTarget, this.audioOnlyTarget, this.leaveTarget, ...this.sendTargets];
    for (const control of controls) control.disabled = true;
    this.showing(null);
    this.troublesTarget.hidden = true;
    this.#know({ over });
    this.#grade(null);
    this.stageTarget.scrollIntoView({ block: "center" }); // where it says what is over, and what comes next
  }

  #grade(grade: Grade | "unknown" | null): void {
    for (const target of this.gradeTargets) target.hidden = target.dataset.grade !== grade;
  }

  /** Nothing of the other side is left to see or hear. */
  #forget(): void {
    this.#grade("unknown");
    this.hearTarget.hidden = true;
    this.remoteTarget.srcObject = null;
    this.#know({ link: null });
  }

  #hangUp(): void {
    this.#call?.close();
    this.#call = null;
    end();
    this.#devices?.release();
  }
}
