// A whole call: the room's messages on one side, a link to each peer on the other. Knows nothing of the page.
import type { ByeReason, ErrorCode, Joined, MediaOf, Path, PeerChanged, RungName, SignalFrom } from "../protocol.gen";
import { type CallView, Views } from "./call_view";
import { iceServers } from "./ice_servers";
import { Ladder, type Mode, type Plan } from "./ladder";
import { LaterWay } from "./later_way";
import { Lifeline } from "./lifeline";
import type { Link, Outgoing } from "./link";
import { Sent } from "./outgoing";
import { Paths, type PathsListener } from "./paths";
import { grade, type Reading, together, verdict, worst } from "./quality";
import { Reports } from "./reports";
import type { RoomClient, RoomListener } from "./room_client";
import type { Seal } from "./sealing/seal";
import { type StillPiece, Stills } from "./stills";
import type { Begin, Guard, Supplies } from "./way";

const MEASURE_EVERY = 1_000; // ms
/** Credentials for the relay end after ten minutes: who comes later is met with good ones. */
const RENEW_ICE_EVERY = 4 * 60_000;

/** How one comes into the room, and what begins a way in it. */
export interface WayIn {
  enter(listener: RoomListener): RoomClient;
  begins(): Promise<Begin>;
}

export class Call extends Views implements RoomListener, Supplies {
  /** For parts with messages of their own. */
  readonly client: RoomClient;
  readonly #measuring: ReturnType<typeof setInterval>;
  readonly #renewing: ReturnType<typeof setInterval>;
  readonly #lifeline: Lifeline;
  readonly #sent = new Sent();
  readonly #paths: Paths;
  readonly #stills: Stills;
  readonly #reports = new Reports((net) => this.client.ask("net", net));
  /** What is sent, and why no more. */
  readonly ladder: Ladder;
  /** What paths are given. */
  readonly guard: Guard | null;
  ice: RTCIceServer[] = [];
  #room = "";
  withVideo = true;
  withIncoming = true;

  /**
   * `opening` is the rung of the link check; without a `seal` the server could read what passes through it.
   */
  constructor(
    wayIn: WayIn,
    stream: MediaStream | null,
    view: Partial<CallView>,
    opening?: RungName,
    private readonly seal: Seal | null = null,
  ) {
    super();
    this.tell(view);
    this.guard = seal;
    this.ladder = new Ladder(opening);
    this.#setMain(stream);
    this.client = wayIn.enter(this);
    const listener: PathsListener = {
      stream: (...told) => this.told("stream", ...told),
      link: (...told) => this.told("link", ...told),
      path: (path) => {
        this.client.setPath(path);
        this.told("path", path);
      },
      still: (pid, message) => this.#stills.take(pid, message),
      gone: (peer) => this.told("peer", peer, "left"),
    };
    this.#paths = new Paths(this, listener, (...way) => new LaterWay(...way, wayIn.begins()));
    this.client.hear("net", (net) => this.told("net", net));
    this.client.hear("offer", (offered) => this.#paths.offered(offered));
    this.#stills = new Stills(this.client, (pid, picture) => this.told("still", pid, picture));
    seal?.begin(this.client, (standing) => this.told("sealed", standing));
    this.tell({ joined: (reply) => seal?.joined(reply), peer: (peer, change) => seal?.peer(peer, change) });
    this.#tellMedia();
    this.#measuring = setInterval(() => void this.#measure(), MEASURE_EVERY);
    this.#renewing = setInterval(() => void this.freshIce(), RENEW_ICE_EVERY);
    this.#lifeline = new Lifeline(() => this.#links, this.client);
  }

  /** Microphone on or off; returns what it now is. */
  setMicrophone(on: boolean): boolean {
    return this.#switch("audio", on);
  }

  setCamera(on: boolean): boolean {
    return this.#switch("video", on);
  }

  /** Sound alone, in both directions: for a link that carries no more. */
  setVideo(wanted: boolean): void {
    this.withVideo = wanted;
    for (const link of this.#links) link.setVideo(wanted);
    this.#tellMedia();
  }

  /** Microphone and camera that came later, or in place of others. */
  async setStream(stream: MediaStream): Promise<void> {
    this.#setMain(stream);
    await this.#sendAll();
  }

  /** Send these too, beside microphone and camera; a track of the same stream and kind gives way. */
  async send(outgoing: readonly Outgoing[]): Promise<void> {
    this.#sent.add(outgoing);
    await this.#sendAll();
  }

  /** Send nothing of this stream any more. */
  async stop(streamId: string): Promise<void> {
    this.#sent.remove(streamId);
    await this.#sendAll();
  }

  get isCameraOn(): boolean {
    return this.#sent.isOn("video") && this.withVideo;
  }

  /** Get the others' moving pictures, or only send ours. */
  receiveVideo(wanted: boolean): void {
    this.withIncoming = wanted;
    for (const link of this.#links) link.setIncoming(wanted);
  }

  /** Send a piece of a single picture to everyone. */
  still(piece: StillPiece): void {
    void this.#stills.send(piece, this.#links);
  }

  /** Have what is sent walk the ladder like this from now on. */
  choose(mode: Mode): void {
    if (this.ladder.choose(mode)) this.#fit(this.ladder.plan);
  }

  say(text: string): void {
    this.client.say(text);
  }

  async leave(): Promise<void> {
    await this.client.leave();
    this.close();
  }

  close(): void {
    clearInterval(this.#measuring);
    clearInterval(this.#renewing);
    this.#lifeline.close();
    this.client.close();
    this.#paths.close();
    this.seal?.end();
  }

  get outgoing(): readonly Outgoing[] {
    return this.#sent.tracks;
  }

  get plan(): Plan {
    return this.ladder.plan;
  }

  async freshIce(): Promise<RTCIceServer[] | null> {
    const fresh = await this.client.freshIce();
    if (fresh) this.ice = iceServers(fresh.ice);
    return fresh && this.ice;
  }

  joined(reply: Joined): void {
    this.ice = iceServers(reply.ice);
    // Into the meeting's call, or out of it: its members stay in one.
    if (this.#room && this.#room !== reply.room) for (const peer of this.#paths.anew()) this.told("peer", peer, "left");
    this.#room = reply.room;
    // Who was turned out while we heard nothing is not on the list any more.
    for (const peer of this.#paths.joined(reply.peers, reply.path)) this.told("peer", peer, "left");
    this.told("joined", reply);
  }

  peer(changed: PeerChanged): void {
    this.#paths.peer(changed);
    this.told("peer", changed.peer, changed.change);
  }

  path(path: Path): void {
    this.#paths.follow(path);
  }

  signal(signal: SignalFrom): void {
    this.#paths.signal(signal);
  }

  refused(error: ErrorCode): void {
    this.close();
    this.told("refused", error);
  }

  bye(reason: ByeReason): void {
    this.close();
    this.told("bye", reason);
  }

  media(media: MediaOf): void {
    this.told("media", media);
    this.#paths.media(media);
  }

  #switch(kind: "audio" | "video", on: boolean): boolean {
    const is = this.#sent.switch(kind, on);
    this.#tellMedia();
    return is;
  }

  get #links(): readonly Link[] {
    return this.#paths.links;
  }

  /** The others hear what is coming before it is offered. */
  async #sendAll(): Promise<void> {
    this.#tellMedia();
    for (const link of this.#links) {
      await link.setTracks(this.#sent.tracks);
      await link.fit(this.ladder.plan);
    }
  }

  #setMain(stream: MediaStream | null): void {
    this.#sent.setMain(stream);
    const lines = this.#sent.cameraLines;
    if (lines) this.ladder.camera(lines);
  }

  #fit(plan: Plan): void {
    for (const link of this.#links) void link.fit(plan);
    this.told("ladder", this.ladder);
  }

  #tellMedia(): void {
    const { streams } = this.#sent;
    this.client.media(this.#sent.isOn("audio"), this.#sent.isOn("video") && this.withVideo, streams);
  }

  async #measure(): Promise<void> {
    const readings: Reading[] = [];
    for (const link of this.#links) {
      const reading = await link.measure();
      if (reading) readings.push(reading);
    }
    void this.#reports.take(readings, this.ladder);
    if (readings.length === 0) return;
    this.told("readings", readings);
    if (this.ladder.take(together(readings))) this.#fit(this.ladder.plan);
    this.told("quality", verdict(worst(readings.map(grade)), this.ladder.rung.name, this.ladder.why));
  }
}
