// One RTCPeerConnection to one peer: perfect negotiation by the table, ICE restarts, what is sent and how well it goes.
import type {
  Candidate,
  Description,
  NegotiationAction,
  NegotiationEvent,
  NegotiationRole,
  NegotiationState,
} from "../protocol.gen";
import { fitSenders, retune, tuned } from "./fitting";
import { Ladder, type Plan } from "./ladder";
import { arrivedTracks, connect, type Link, type LinkState, type Outgoing, receivedPackets, slot } from "./link";
import { step } from "./negotiation";
import { Meter, type Reading } from "./quality";

export interface PeerLinkListener {
  send(signal: { description: Description } | { candidate: Candidate }): void;
  /** Something of theirs arrives, in their stream of this id. */
  track(track: MediaStreamTrack, streamId: string): void;
  state(state: LinkState): void;
  /** A piece of a single picture of theirs. */
  still(message: unknown): void;
  /** Servers with fresh credentials, before ICE restarts. */
  freshIce(): Promise<RTCIceServer[] | null>;
}

export interface PeerLinkOptions {
  role: NegotiationRole;
  /** The other side came last and offers first. */
  expecting: boolean;
  ice: RTCIceServer[];
  outgoing: readonly Outgoing[];
  /** What this page proves itself with. */
  certificate?: RTCCertificate;
}

const INTERRUPTION = 3_000; // ms of `disconnected` before ICE restarts
const KINDS = ["audio", "video"] as const;
const MOST_WAITING = 4_096; // bytes of single pictures

export class PeerLink implements Link {
  readonly #connection: RTCPeerConnection;
  readonly #role: NegotiationRole;
  /** Which track of ours each sender is for. */
  readonly #slots = new Map<RTCRtpSender, string>();
  #withVideo = true;
  #withIncoming = true;
  readonly #stills: RTCDataChannel;
  #state: NegotiationState;
  #work: Promise<void> = Promise.resolve();
  readonly #meter = new Meter();
  #plan: Plan = new Ladder().plan;
  /** Something changed that the other side has to hear of: an offer of ours is to follow. */
  #isNeeded = false;
  #interruption?: ReturnType<typeof setTimeout>;

  constructor(
    options: PeerLinkOptions,
    private readonly listener: PeerLinkListener,
    connection = connect(options.ice, options.certificate),
  ) {
    this.#connection = connection;
    this.#role = options.role;
    this.#state = options.expecting ? "expecting" : "idle";
    connection.onnegotiationneeded = () => {
      this.#isNeeded = true;
      this.take("needed");
    };
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) listener.send({ candidate: candidate.toJSON() as Candidate });
    };
    connection.ontrack = ({ track, streams }) => listener.track(track, streams[0]?.id ?? "");
    connection.onconnectionstatechange = () => this.#pathChanged();
    this.#stills = connection.createDataChannel("stills", { negotiated: true, id: 1 });
    this.#stills.binaryType = "arraybuffer";
    this.#stills.onmessage = ({ data }) => listener.still(data);
    for (const one of options.outgoing) this.#slots.set(connection.addTrack(one.track, one.stream), slot(one));
    if (!options.expecting) {
      // Who offers asks for what it has none of to send, too.
      const missing = KINDS.filter((kind) => !options.outgoing.some(({ track }) => track.kind === kind));
      for (const kind of missing) connection.addTransceiver(kind, { direction: "recvonly" });
    }
  }

  /** Whether sound and pictures can pass now. */
  get isConnected(): boolean {
    return this.#connection.connectionState === "connected";
  }

  /** Something happened. Events are worked off one after the other, in the order they came. */
  take(event: "needed" | "resumed"): void;
  take(event: "candidate", candidate: Candidate): void;
  take(event: "offer" | "answer", description: Description): void;
  take(event: NegotiationEvent, payload?: Candidate | Description): void {
    void this.#next(async () => {
      const [state, action] = step(this.#role, event, this.#state);
      this.#state = state;
      await this.#act(action, payload);
    });
  }

  setVideo(wanted: boolean): void {
    this.#withVideo = wanted;
    void this.#next(async () => this.#direct());
  }

  setIncoming(wanted: boolean): void {
    this.#withIncoming = wanted;
    void this.#next(async () => this.#direct());
  }

  still(message: Uint8Array<ArrayBuffer>): boolean {
    if (this.#stills.readyState !== "open") return false;
    // What does not get out now is old when it does.
    if (this.#stills.bufferedAmount < MOST_WAITING) this.#stills.send(message);
    return true;
  }

  async setTracks(outgoing: readonly Outgoing[]): Promise<void> {
    await this.#next(() => this.#setTracks(outgoing));
  }

  async #setTracks(outgoing: readonly Outgoing[]): Promise<void> {
    const wanted = new Map(outgoing.map((one) => [slot(one), one]));
    for (const [sender, key] of [...this.#slots]) {
      const next = wanted.get(key);
      await sender.replaceTrack(next?.track ?? null);
      if (!next) this.#slots.delete(sender);
      wanted.delete(key);
    }
    for (const [key, one] of wanted) {
      const free = this.#connection.getTransceivers().find(({ direction, receiver, sender }) => {
        return direction !== "stopped" && receiver.track.kind === one.track.kind && !this.#slots.has(sender);
      })?.sender;
      const sender = free ?? this.#connection.addTrack(one.track, one.stream);
      this.#slots.set(sender, key);
      if (!free) continue;
      free.setStreams(one.stream);
      await free.replaceTrack(one.track);
    }
    this.#direct();
  }

  async measure(): Promise<Reading | null> {
    if (!this.isConnected) return null;
    return this.#meter.take(await this.#connection.getStats());
  }

  async fit(plan: Plan): Promise<void> {
    this.#plan = plan;
    await fitSenders(this.#connection.getSenders(), plan);
    await this.#next(() => this.#retune());
  }

  async arrived(): Promise<ReadonlySet<string>> {
    return this.#state === "closed" ? new Set() : arrivedTracks(await this.#connection.getStats());
  }

  async received(): Promise<number> {
    return this.#state === "closed" ? 0 : receivedPackets(await this.#connection.getStats());
  }

  recover(): void {
    void this.#restart({ whatever: true });
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#interruption);
    this.#connection.close();
  }

  /** Do this when everything before it is done. */
  #next(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work
      .then(() => (this.#state === "closed" ? undefined : work()))
      .catch((error: unknown) => console.warn("Negotiation:", error));
    return this.#work;
  }

  /** Pack speech as planned. Where an offer is to follow anyway, its answer is taken so. */
  async #retune(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve)); // what changed just now is told as a task
    if (this.#state === "idle" && !this.#isNeeded) await retune(this.#connection, this.#plan.sound);
  }

  async #act(action: NegotiationAction, payload?: Candidate | Description): Promise<void> {
    const connection = this.#connection;
    switch (action) {
      case "send-offer":
        this.#isNeeded = false;
        await connection.setLocalDescription();
        this.#sendDescription();
        break;
      case "send-answer":
        this.#isNeeded = false; // what the answer does not settle is told again
        await connection.setRemoteDescription(tuned(connection, payload as Description, this.#plan.sound));
        await connection.setLocalDescription();
        this.#sendDescription();
        break;
      case "take-answer":
        await connection.setRemoteDescription(tuned(connection, payload as Description, this.#plan.sound));
        break;
      case "take-candidate":
        await connection.addIceCandidate(payload as Candidate);
        break;
      case "try-candidate":
        await connection.addIceCandidate(payload as Candidate).catch(() => undefined);
        break;
      case "send-offer-again":
        this.#sendDescription();
        break;
      case "check-path":
        if (!this.isConnected) await this.#restart();
        break;
      case "close":
        this.close();
        break;
      case "nothing":
        break;
    }
  }

  #sendDescription(): void {
    const description = this.#connection.localDescription;
    if (description) this.listener.send({ description: description.toJSON() as Description });
  }

  #pathChanged(): void {
    clearTimeout(this.#interruption);
    switch (this.#connection.connectionState) {
      case "connected":
        this.listener.state("connected");
        break;
      case "disconnected":
        this.listener.state("interrupted");
        this.#interruption = setTimeout(() => void this.#restart(), INTERRUPTION);
        break;
      case "failed":
        this.listener.state("interrupted");
        void this.#restart();
        break;
      case "connecting":
        this.listener.state("connecting");
        break;
    }
  }

  async #restart({ whatever = false } = {}): Promise<void> {
    const iceServers = await this.listener.freshIce();
    if (this.#state === "closed" || (this.isConnected && !whatever)) return;
    if (iceServers) this.#connection.setConfiguration({ ...this.#connection.getConfiguration(), iceServers });
    this.#connection.restartIce();
  }

  /** Who may send on each m-line: both, where we have something to send. */
  #direct(): void {
    for (const transceiver of this.#connection.getTransceivers()) {
      if (transceiver.direction === "stopped") continue;
      const isSound = transceiver.receiver.track.kind === "audio";
      const sends = this.#slots.has(transceiver.sender) && (isSound || this.#withVideo);
      const receives = isSound || (this.#withVideo && this.#withIncoming);
      transceiver.direction = direction(sends, receives);
    }
  }
}

function direction(sends: boolean, receives: boolean): RTCRtpTransceiverDirection {
  if (sends) return receives ? "sendrecv" : "sendonly";
  return receives ? "recvonly" : "inactive";
}
