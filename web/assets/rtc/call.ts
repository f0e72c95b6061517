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
  SignalFrom,
} from "../protocol.gen";
import { type Path, PeerLink } from "./peer_link";
import { type Grade, grade, type Reading } from "./quality";
import { RoomClient, type RoomListener } from "./room_client";

export interface CallView {
  /** We are in; peers are there or awaited. Comes again after each reconnect. */
  joined(reply: Joined): void;
  refused(error: ErrorCode): void;
  bye(reason: ByeReason): void;
  offline(): void;
  room(room: Room): void;
  peer(peer: Peer, change: PeerChanged["change"]): void;
  media(media: MediaOf): void;
  path(peer: Peer, path: Path): void;
  stream(peer: Peer, stream: MediaStream): void;
  chat(line: ChatLine): void;
  quality(grade: Grade, reading: Reading): void;
}

interface Line {
  peer: Peer;
  link: PeerLink;
}

const MEASURE_EVERY = 2_000; // ms

export class Call implements RoomListener {
  readonly #room: RoomClient;
  readonly #lines = new Map<string, Line>();
  readonly #measuring: ReturnType<typeof setInterval>;
  #ice: RTCIceServer[] = [];
  #stream: MediaStream | null;
  #withVideo = true;

  constructor(
    consult: string,
    stream: MediaStream | null,
    private readonly view: CallView,
    makeRoom = (listener: RoomListener) => new RoomClient(consult, listener),
  ) {
    this.#stream = stream;
    this.#room = makeRoom(this);
    this.#tellMedia();
    this.#measuring = setInterval(() => void this.#measure(), MEASURE_EVERY);
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
    for (const { link } of this.#lines.values()) link.setVideo(wanted);
    this.#tellMedia();
  }

  /** Devices that came later, or in place of others. */
  async setStream(stream: MediaStream): Promise<void> {
    this.#stream = stream;
    for (const { link } of this.#lines.values()) await link.setStream(stream);
    this.#tellMedia();
  }

  say(text: string): void {
    this.#room.say(text);
  }

  async leave(): Promise<void> {
    await this.#room.leave();
    this.close();
  }

  close(): void {
    clearInterval(this.#measuring);
    this.#room.close();
    for (const pid of [...this.#lines.keys()]) this.#hangUp(pid);
  }

  joined(reply: Joined): void {
    this.#ice = servers(reply.ice);
    for (const peer of reply.peers) {
      if (!peer.present) continue;
      // Who comes last offers: the others have just been told of us.
      if (!this.#resume(peer)) this.#connect(peer, { expecting: false });
    }
    this.view.joined(reply);
  }

  peer({ peer, change }: PeerChanged): void {
    if (change === "joined" && !this.#resume(peer)) this.#connect(peer, { expecting: true });
    if (change === "left") this.#hangUp(peer.pid);
    this.view.peer(peer, change);
  }

  signal({ sender, description, candidate }: SignalFrom): void {
    const link = this.#lines.get(sender)?.link;
    if (description) link?.take(description.type, description);
    else if (candidate) link?.take("candidate", candidate);
  }

  refused(error: ErrorCode): void {
    this.close();
    this.view.refused(error);
  }

  bye(reason: ByeReason): void {
    this.close();
    this.view.bye(reason);
  }

  offline(): void {
    this.view.offline();
  }

  media(media: MediaOf): void {
    this.view.media(media);
  }

  chat(line: ChatLine): void {
    this.view.chat(line);
  }

  room(room: Room): void {
    this.view.room(room);
  }

  /** The same page of the same person is back: their connection to us may have lived on. */
  #resume(peer: Peer): boolean {
    const line = this.#lines.get(peer.pid);
    if (!line || line.peer.page !== peer.page) return false;
    line.peer = peer;
    line.link.take("resumed");
    return true;
  }

  #connect(peer: Peer, { expecting }: { expecting: boolean }): void {
    this.#hangUp(peer.pid);
    const link = new PeerLink(
      { role: peer.polite ? "polite" : "impolite", expecting, ice: this.#ice, stream: this.#stream },
      {
        send: (signal) => this.#room.signal({ to: peer.pid, ...signal }),
        stream: (stream) => this.view.stream(peer, stream),
        path: (path) => this.view.path(peer, path),
        freshIce: async () => {
          const fresh = await this.#room.freshIce();
          return fresh && servers(fresh.ice);
        },
      },
    );
    if (!this.#withVideo) link.setVideo(false);
    this.#lines.set(peer.pid, { peer, link });
  }

  #hangUp(pid: string): void {
    this.#lines.get(pid)?.link.close();
    this.#lines.delete(pid);
  }

  #switch(kind: "audio" | "video", on: boolean): boolean {
    const tracks = this.#stream?.getTracks().filter((track) => track.kind === kind) ?? [];
    for (const track of tracks) track.enabled = on;
    this.#tellMedia();
    return on && tracks.length > 0;
  }

  #tellMedia(): void {
    const isOn = (kind: string) =>
      this.#stream?.getTracks().some((track) => track.kind === kind && track.enabled) ?? false;
    this.#room.media(isOn("audio"), isOn("video") && this.#withVideo);
  }

  async #measure(): Promise<void> {
    for (const { link } of this.#lines.values()) {
      const reading = await link.measure();
      if (reading) this.view.quality(grade(reading), reading);
    }
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
