// The room's page: shows what a Call tells, and hands it what the person presses. Loaded where a page has a room.
import { Controller } from "@hotwired/stimulus";
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
  Showing,
  Stream,
} from "./protocol.gen";
import { ChatLog } from "./room/chat_log";
import { begin, end } from "./room/present_call";
import { afterBye, afterRefusal, clock, type Facts, type Over, standing } from "./room/standing";
import { Tiles } from "./room/tiles";
import { play, release } from "./room/video";
import { Call, type CallView } from "./rtc/call";
import { type Devices, openDevices } from "./rtc/devices";
import type { LinkState } from "./rtc/link";
import type { Grade } from "./rtc/quality";
import { openRoomSocket, RoomClient } from "./rtc/room_client";

type Toggle = "mute" | "camera" | "audioOnly";

export default class RoomController extends Controller<HTMLElement> implements Partial<CallView> {
  static override targets = [
    ...["audioOnly", "camera", "grade", "guests", "hear", "input", "leave", "local", "log", "mute", "name", "noteTab"],
    ...["offline", "others", "quiet", "remote", "self", "send", "showing", "showingLink", "stage", "state"],
    ...["study", "through", "tile", "timer", "trouble", "troubles", "unscripted"],
  ];
  static override values = { consult: String, guest: Boolean, main: String, zone: String };
  declare readonly consultValue: string;
  /** Whether a guest's device opened the page. */
  declare readonly guestValue: boolean;
  /** Who has the large picture; everyone else a small one. */
  declare readonly mainValue: string;
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
  declare readonly sendTarget: HTMLButtonElement;
  declare readonly hasShowingTarget: boolean;
  declare readonly showingTarget: HTMLElement;
  declare readonly showingLinkTarget: HTMLAnchorElement;
  declare readonly stageTarget: HTMLElement;
  declare readonly stateTargets: HTMLElement[];
  declare readonly studyTarget: HTMLElement;
  declare readonly throughTargets: HTMLElement[];
  declare readonly tileTarget: HTMLTemplateElement;
  declare readonly timerTarget: HTMLElement;
  declare readonly troubleTargets: HTMLElement[];
  declare readonly troublesTarget: HTMLElement;
  declare readonly hasUnscriptedTarget: boolean;
  declare readonly unscriptedTarget: HTMLElement;

  #call: Call | null = null;
  #chat?: ChatLog;
  #tiles?: Tiles;
  #stream: MediaStream | null = null;
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
    this.#tiles ??= new Tiles(this.othersTarget, this.tileTarget);
    this.#ticking = setInterval(() => this.#tick(), 1000);
    this.remoteTarget.addEventListener("resize", () => this.#know({}));
    void this.#begin();
  }

  override disconnect(): void {
    clearInterval(this.#ticking);
    this.#hangUp();
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

  async retry(): Promise<void> {
    release(this.#stream);
    this.#take(await openDevices());
    if (this.#stream) await this.#call?.setStream(this.#stream);
  }

  hear(): void {
    this.remoteTarget.muted = false;
    void this.remoteTarget.play();
    this.#tiles?.hear();
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

  // What the call tells.

  joined(reply: Joined): void {
    this.#me = reply.pid;
    this.#aheadBy = Date.parse(reply.now) - Date.now();
    for (const line of reply.chat) this.chat(line);
    for (const peer of reply.peers) if (peer.present && !this.#isMain(peer)) this.#tiles?.show(peer);
    const main = reply.peers.find((peer) => this.#isMain(peer));
    const before = this.#facts.peer === "here" ? "lost" : this.#facts.peer;
    this.#know({ door: false, joined: true, online: true, peer: main?.present ? "here" : before });
    if (main?.present) this.#see(main);
    this.room(reply);
    this.showing(reply.showing ?? null);
    this.sendTarget.disabled = false;
    this.leaveTarget.disabled = false;
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
    if (!this.#isMain(peer)) {
      if (change === "joined") this.#tiles?.show(peer);
      if (change === "lost") this.#tiles?.lost(peer.pid);
      if (change === "left") this.#tiles?.remove(peer.pid);
      return;
    }
    const where = { joined: "here", lost: "lost", left: "left" } as const;
    this.#know({ peer: where[change] });
    if (change === "joined") this.#see(peer);
    if (change === "left") this.#forget();
  }

  media(media: MediaOf): void {
    if (media.sender === this.mainValue) this.#see(media);
    else this.#tiles?.media(media);
  }

  link(peer: Peer, link: LinkState): void {
    if (this.#isMain(peer)) this.#know({ link });
    else this.#tiles?.link(peer.pid, link);
  }

  async stream(peer: Peer, stream: MediaStream, { what }: Stream): Promise<void> {
    if (what !== "main") return;
    const isMain = this.#isMain(peer);
    const isHeard = await (isMain ? play(this.remoteTarget, stream) : this.#tiles?.stream(peer.pid, stream));
    if (isHeard === false) this.hearTarget.hidden = false;
    else if (isMain) this.hearTarget.hidden = true;
  }

  path({ way, settled }: Path): void {
    for (const target of this.throughTargets) target.hidden = way !== "server";
    if (settled) this.element.dataset.path = way;
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

  // The rest is ours.

  async #begin(): Promise<void> {
    this.#know({ asked: false });
    const devices = await openDevices();
    if (!this.element.isConnected) {
      release(devices.stream);
      return;
    }
    this.#take(devices);
    const socket = () => openRoomSocket({ asGuest: this.guestValue });
    this.#call = new Call((listener) => new RoomClient(this.consultValue, listener, socket()), this.#stream, this);
    begin(this.#call);
    this.audioOnlyTarget.disabled = false;
    this.#know({ asked: true });
  }

  #take({ stream, trouble }: Devices): void {
    this.#stream = stream;
    const has = (kind: string) => stream?.getTracks().some((track) => track.kind === kind) ?? false;
    this.muteTarget.disabled = !has("audio");
    this.cameraTarget.disabled = !has("video");
    this.selfTarget.hidden = !has("video");
    if (stream) void play(this.localTarget, stream);
    const said = new Set(Object.entries(trouble).map(([kind, why]) => `${kind}:${why}`));
    if (trouble.audio && trouble.video) said.add("both");
    for (const target of this.troubleTargets) target.hidden = !said.has(target.dataset.trouble ?? "");
    this.troublesTarget.hidden = said.size === 0;
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
    this.#tiles?.clear();
    this.selfTarget.hidden = true;
    const controls = [this.muteTarget, this.cameraTarget, this.audioOnlyTarget, this.leaveTarget, this.sendTarget];
    for (const control of controls) control.disabled = true;
    this.showing(null);
    this.#know({ over });
  }

  #grade(grade: Grade | "unknown"): void {
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
    release(this.#stream);
    this.#stream = null;
  }
}
