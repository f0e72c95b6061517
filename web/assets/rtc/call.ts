// A whole call: the room's messages on one side, a link to each peer on the other. Knows nothing of the page.
import type {
  ByeReason,
  ChatLine,
  ErrorCode,
  Joined,
  MediaOf,
  Peer,
  PeerChanged,
  Room,
  RungName,
  Showing,
  SignalFrom,
  Stream,
} from "../protocol.gen";
import { Incoming } from "./incoming";
import { Ladder, type Mode, type Plan } from "./ladder";
import type { LinkState, Outgoing } from "./link";
import { Sent } from "./outgoing";
import { PeerLink } from "./peer_link";
import { type Grade, grade, type Reading, together, worst } from "./quality";
import type { RoomClient, RoomListener } from "./room_client";

export interface CallView {
  /** We are in; peers are there or awaited. Comes again after each reconnect. */
  joined(reply: Joined): void;
  refused(error: ErrorCode): void;
  bye(reason: ByeReason): void;
  offline(): void;
  room(room: Room): void;
  peer(peer: Peer, change: PeerChanged["change"]): void;
  media(media: MediaOf): void;
  /** How far the line to somebody is. */
  link(peer: Peer, state: LinkState): void;
  /** Something somebody sends arrives; it goes when `media` names it no more. The same stream may come again. */
  stream(peer: Peer, stream: MediaStream, sent: Stream): void;
  chat(line: ChatLine): void;
  /** What the lines say of themselves, every second. */
  readings(readings: Reading[]): void;
  /** What is sent has changed, or why. */
  ladder(ladder: Ladder): void;
  /** That of the worst link, where there are several. */
  quality(grade: Grade): void;
  atDoor(): void;
  guests(): void;
  showing(showing: Showing | null): void;
}

interface Line {
  peer: Peer;
  link: PeerLink;
}

const MEASURE_EVERY = 1_000; // ms
/** How long sound and pictures may outlive a peer's line to the server, ms: it may be gone because they may not be here. */
const GRACE = 60_000;

export class Call implements RoomListener {
  /** For parts with messages of their own. */
  readonly client: RoomClient;
  readonly #views: Partial<CallView>[];
  readonly #lines = new Map<string, Line>();
  readonly #absent = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #measuring: ReturnType<typeof setInterval>;
  readonly #sent = new Sent();
  readonly #incoming = new Incoming();
  /** What is sent, and why no more. */
  readonly ladder: Ladder;
  #ice: RTCIceServer[] = [];
  #withVideo = true;

  /** `opening` is the rung of the link check. */
  constructor(
    makeRoom: (listener: RoomListener) => RoomClient,
    stream: MediaStream | null,
    view: Partial<CallView>,
    opening?: RungName,
  ) {
    this.#views = [view];
    this.ladder = new Ladder(opening);
    this.#setMain(stream);
    this.client = makeRoom(this);
    this.#tellMedia();
    this.#measuring = setInterval(() => void this.#measure(), MEASURE_EVERY);
  }

  /** Tell one more what this call tells, from now on. */
  tell(view: Partial<CallView>): void {
    this.#views.push(view);
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
    this.#withVideo = wanted;
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
    this.client.close();
    for (const pid of [...this.#lines.keys()]) this.#hangUp(pid);
  }

  joined(reply: Joined): void {
    this.#ice = servers(reply.ice);
    const expected = new Map(reply.peers.map((peer) => [peer.pid, peer]));
    for (const [pid, { peer }] of this.#lines) {
      // Who was turned out while we heard nothing is not on the list any more.
      if (!expected.has(pid)) this.peer({ peer, change: "left" });
      else if (!expected.get(pid)?.present) this.#letGoSoon(peer);
    }
    for (const peer of reply.peers) {
      if (!peer.present) continue;
      // Who comes last offers: the others have just been told of us.
      if (!this.#resume(peer)) this.#connect(peer, { expecting: false });
    }
    this.#say("joined", reply);
  }

  peer({ peer, change }: PeerChanged): void {
    if (change === "joined" && !this.#resume(peer)) this.#connect(peer, { expecting: true });
    if (change === "lost") this.#letGoSoon(peer);
    if (change === "left") this.#hangUp(peer.pid);
    this.#say("peer", peer, change);
  }

  signal({ sender, description, candidate }: SignalFrom): void {
    const link = this.#lines.get(sender)?.link;
    if (description) link?.take(description.type, description);
    else if (candidate) link?.take("candidate", candidate);
  }

  refused(error: ErrorCode): void {
    this.close();
    this.#say("refused", error);
  }

  bye(reason: ByeReason): void {
    this.close();
    this.#say("bye", reason);
  }

  offline(): void {
    this.#say("offline");
  }

  media(media: MediaOf): void {
    const line = this.#lines.get(media.sender);
    const { audio, video, streams } = media;
    if (line) line.peer = { ...line.peer, audio, video, streams };
    this.#say("media", media);
    if (line) this.#show(line.peer);
  }

  chat(line: ChatLine): void {
    this.#say("chat", line);
  }

  room(room: Room): void {
    this.#say("room", room);
  }

  atDoor(): void {
    this.#say("atDoor");
  }

  guests(): void {
    this.#say("guests");
  }

  showing(showing: Showing | null): void {
    this.#say("showing", showing);
  }

  /** The same page of the same person is back: their connection to us may have lived on. */
  #resume(peer: Peer): boolean {
    const line = this.#lines.get(peer.pid);
    if (!line || line.peer.page !== peer.page) return false;
    line.peer = peer;
    clearTimeout(this.#absent.get(peer.pid));
    line.link.take("resumed");
    return true;
  }

  #letGoSoon(peer: Peer): void {
    if (!this.#lines.has(peer.pid)) return;
    clearTimeout(this.#absent.get(peer.pid));
    this.#absent.set(
      peer.pid,
      setTimeout(() => this.peer({ peer, change: "left" }), GRACE),
    );
  }

  #connect(peer: Peer, { expecting }: { expecting: boolean }): void {
    this.#hangUp(peer.pid);
    const link = new PeerLink(
      { role: peer.polite ? "polite" : "impolite", expecting, ice: this.#ice, outgoing: this.#sent.tracks },
      {
        send: (signal) => this.client.signal({ to: peer.pid, ...signal }),
        track: (track, streamId) => {
          this.#incoming.put(peer.pid, streamId, track);
          this.#show(this.#lines.get(peer.pid)?.peer ?? peer);
        },
        state: (state) => {
          if (state === "connected") void link.fit(this.ladder.plan);
          this.#say("link", peer, state);
        },
        freshIce: async () => {
          const fresh = await this.client.freshIce();
          return fresh && servers(fresh.ice);
        },
      },
    );
    if (!this.#withVideo) link.setVideo(false);
    this.#lines.set(peer.pid, { peer, link });
  }

  #hangUp(pid: string): void {
    clearTimeout(this.#absent.get(pid));
    this.#absent.delete(pid);
    this.#lines.get(pid)?.link.close();
    this.#lines.delete(pid);
    this.#incoming.forget(pid);
  }

  /** Everything of theirs that has arrived and has been named. */
  #show(peer: Peer): void {
    for (const [id, stream] of this.#incoming.of(peer.pid)) {
      const sent = peer.streams.find((one) => one.id === id);
      if (sent) this.#say("stream", peer, stream, sent);
    }
  }

  #say<E extends keyof CallView>(event: E, ...told: Parameters<CallView[E]>): void {
    for (const view of this.#views) (view[event] as ((...told: unknown[]) => void) | undefined)?.apply(view, told);
  }

  #switch(kind: "audio" | "video", on: boolean): boolean {
    const is = this.#sent.switch(kind, on);
    this.#tellMedia();
    return is;
  }

  get #links(): PeerLink[] {
    return [...this.#lines.values()].map(({ link }) => link);
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
    this.#say("ladder", this.ladder);
  }

  #tellMedia(): void {
    const { streams } = this.#sent;
    this.client.media(this.#sent.isOn("audio"), this.#sent.isOn("video") && this.#withVideo, streams);
  }

  async #measure(): Promise<void> {
    const readings: Reading[] = [];
    for (const link of this.#links) {
      const reading = await link.measure();
      if (reading) readings.push(reading);
    }
    if (readings.length === 0) return;
    this.#say("readings", readings);
    this.#say("quality", worst(readings.map(grade)));
    if (this.ladder.take(together(readings))) this.#fit(this.ladder.plan);
  }
}

/** The wire's servers in the browser's own shape, which knows no null. */
function servers(ice: Joined["ice"]): RTCIceServer[] {
  return ice.map(({ urls, username, credential }) => ({
    urls,
    ...(username && { username }),
    ...(credential && { credential }),
  }));
}
