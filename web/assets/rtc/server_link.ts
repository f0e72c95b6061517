// One RTCPeerConnection to the server. We always offer: what we send on m-lines that only send, what we want of the others
// on m-lines that only receive, each for one track at a time.
import type { Peer, Through, TrackKind, Want } from "../protocol.gen";
import { fitSenders, retune, tuned } from "./fitting";
import type { Plan } from "./ladder";
import {
  arrivedTracks,
  connect,
  type Link,
  type LinkState,
  type Outgoing,
  receivedPackets,
  slot,
  watchServer,
} from "./link";
import { Meter, type Reading } from "./quality";
import type { Guard } from "./way";

export interface ServerLinkListener {
  /** The server's answer; null where it gives none. */
  offer(through: Through): Promise<string | null>;
  track(track: MediaStreamTrack, pid: string, streamId: string): void;
  state(state: LinkState): void;
  /** This connection comes to nothing any more. */
  broken(): void;
}

type Wish = Omit<Want, "mid">;

interface Down {
  transceiver: RTCRtpTransceiver;
  kind: TrackKind;
  wish: Wish | null;
}

/** ms until an offer that was not answered is made again. */
const AGAIN = 2_000;

export class ServerLink implements Link {
  readonly #connection: RTCPeerConnection;
  readonly #ups = new Map<string, RTCRtpTransceiver>();
  readonly #idle: RTCRtpTransceiver[] = [];
  readonly #downs: Down[] = [];
  readonly #meter = new Meter();
  readonly #endWatch: () => void;
  #outgoing: readonly Outgoing[] = [];
  #people: readonly Peer[] = [];
  #withVideo = true;
  #withIncoming = true;
  readonly #guard: Guard | null;
  #plan: Plan;
  #isClosed = false;
  #isWaiting = false;
  #work: Promise<void> = Promise.resolve();
  #again?: ReturnType<typeof setTimeout>;

  constructor(
    options: { ice: RTCIceServer[]; plan: Plan; guard: Guard | null },
    private readonly listener: ServerLinkListener,
    connection?: RTCPeerConnection,
  ) {
    this.#plan = options.plan;
    this.#guard = options.guard;
    this.#connection = connection ?? connect(options.ice, options.guard?.certificate);
    this.#endWatch = watchServer(this.#connection, {
      state: (state) => {
        listener.state(state);
        if (state === "connected") void this.fit(this.#plan);
      },
      broken: () => listener.broken(),
    });
  }

  get isConnected(): boolean {
    return this.#connection.connectionState === "connected";
  }

  /** Whether there is anything to send or to receive. */
  get isNeeded(): boolean {
    return this.#connection.getTransceivers().length > 0;
  }

  /** Get what these people send, all of it. */
  setPeople(people: readonly Peer[]): void {
    this.#people = people;
    this.negotiate();
  }

  async setTracks(outgoing: readonly Outgoing[]): Promise<void> {
    this.#outgoing = outgoing;
    this.negotiate();
    await this.#work;
  }

  setVideo(wanted: boolean): void {
    this.#withVideo = wanted;
    this.negotiate();
  }

  setIncoming(wanted: boolean): void {
    this.#withIncoming = wanted;
    this.negotiate();
  }

  /** Offer anew what is sent and wanted, once however often it is called meanwhile. */
  negotiate(): void {
    clearTimeout(this.#again);
    if (this.#isWaiting || this.#isClosed) return;
    this.#isWaiting = true;
    this.#next(async () => {
      this.#isWaiting = false;
      await this.#send();
      this.#want();
      await this.#offer();
    });
  }

  async measure(): Promise<Reading | null> {
    return this.isConnected ? this.#meter.take(await this.#connection.getStats()) : null;
  }

  async arrived(): Promise<ReadonlySet<string>> {
    return this.#isClosed ? new Set() : arrivedTracks(await this.#connection.getStats());
  }

  async received(): Promise<number> {
    return this.#isClosed ? 0 : receivedPackets(await this.#connection.getStats());
  }

  recover(): void {
    this.listener.broken();
  }

  async fit(plan: Plan): Promise<void> {
    this.#plan = plan;
    await fitSenders(this.#connection.getSenders(), plan);
    this.#next(() => retune(this.#connection, plan.sound));
    await this.#work;
  }

  close(): void {
    this.#isClosed = true;
    this.#endWatch();
    clearTimeout(this.#again);
    this.#connection.close();
  }

  #next(work: () => Promise<void>): void {
    this.#work = this.#work
      .then(() => (this.#isClosed ? undefined : work()))
      .catch((error: unknown) => {
        if (this.#isClosed) return;
        console.warn("Negotiation:", error);
        this.listener.broken();
      });
  }

  async #send(): Promise<void> {
    const wanted = new Map(
      this.#outgoing.filter(({ track }) => this.#takes(track.kind)).map((one) => [slot(one), one]),
    );
    for (const [key, transceiver] of [...this.#ups]) {
      const next = wanted.get(key);
      await transceiver.sender.replaceTrack(next?.track ?? null);
      wanted.delete(key);
      if (next) continue;
      transceiver.direction = "inactive";
      this.#ups.delete(key);
      this.#idle.push(transceiver);
    }
    for (const [key, { track, stream }] of wanted) {
      const at = this.#idle.findIndex(({ receiver }) => receiver.track.kind === track.kind);
      const [free] = at >= 0 ? this.#idle.splice(at, 1) : [];
      const transceiver = free ?? this.#connection.addTransceiver(track, { direction: "sendonly", streams: [stream] });
      if (free) {
        await free.sender.replaceTrack(track);
        free.sender.setStreams(stream);
        free.direction = "sendonly";
      } else this.#guard?.seal(transceiver.sender);
      this.#ups.set(key, transceiver);
    }
    await fitSenders(this.#connection.getSenders(), this.#plan);
  }

  #want(): void {
    const wishes = new Map(this.#wishes().map((wish) => [`${wish.pid} ${wish.stream} ${wish.kind}`, wish]));
    for (const down of this.#downs) {
      const key = down.wish && `${down.wish.pid} ${down.wish.stream} ${down.wish.kind}`;
      if (!key || wishes.delete(key)) continue;
      down.wish = null;
      down.transceiver.direction = "inactive";
    }
    for (const wish of wishes.values()) {
      const down = this.#downs.find((one) => !one.wish && one.kind === wish.kind) ?? this.#another(wish.kind);
      down.wish = wish;
      down.transceiver.direction = "recvonly";
      this.#guard?.open(down.transceiver.receiver, wish.pid);
      this.listener.track(down.transceiver.receiver.track, wish.pid, wish.stream);
    }
  }

  #wishes(): Wish[] {
    return this.#people.flatMap(({ pid, streams }) =>
      streams.flatMap(({ id, what }) =>
        (["audio", "video"] as const)
          .filter((kind) => this.#takes(kind) && (kind === "audio" || this.#withIncoming))
          .filter((kind) => kind === "audio" || what !== "stethoscope")
          .map((kind) => ({ pid, stream: id, kind })),
      ),
    );
  }

  #another(kind: TrackKind): Down {
    const down = { kind, wish: null, transceiver: this.#connection.addTransceiver(kind, { direction: "recvonly" }) };
    this.#downs.push(down);
    return down;
  }

  async #offer(): Promise<void> {
    const connection = this.#connection;
    if (connection.getTransceivers().length === 0) return;
    await connection.setLocalDescription();
    const wants = this.#downs.flatMap(({ transceiver: { mid }, wish }) => (wish && mid ? [{ mid, ...wish }] : []));
    const sdp = await this.listener.offer({ sdp: connection.localDescription?.sdp ?? "", wants });
    if (this.#isClosed) return;
    if (sdp === null) {
      await connection.setLocalDescription({ type: "rollback" });
      this.#again = setTimeout(() => this.negotiate(), AGAIN);
      return;
    }
    await connection.setRemoteDescription(tuned(connection, { type: "answer", sdp }, this.#plan.sound));
  }

  #takes(kind: string): boolean {
    return this.#withVideo || kind === "audio";
  }
}
