// One RTCPeerConnection to one peer: perfect negotiation by the table, ICE restarts, what is sent and how well it goes.
import type {
  Candidate,
  Description,
  NegotiationAction,
  NegotiationEvent,
  NegotiationRole,
  NegotiationState,
} from "../protocol.gen";
import { step } from "./negotiation";
import { type Counters, type Reading, read } from "./quality";
import { RUNGS, Sending, withRung, withSoundFirst } from "./sending";

export type Path = "connecting" | "connected" | "interrupted";

export interface PeerLinkListener {
  send(signal: { description: Description } | { candidate: Candidate }): void;
  stream(stream: MediaStream): void;
  path(path: Path): void;
  /** Servers with fresh credentials, before ICE restarts. */
  freshIce(): Promise<RTCIceServer[] | null>;
}

export interface PeerLinkOptions {
  role: NegotiationRole;
  /** The other side came last and offers first. */
  expecting: boolean;
  ice: RTCIceServer[];
  stream: MediaStream | null;
}

const INTERRUPTION = 3_000; // ms of `disconnected` before ICE restarts
const KINDS = ["audio", "video"] as const;

export class PeerLink {
  readonly #connection: RTCPeerConnection;
  readonly #role: NegotiationRole;
  readonly #remote = new MediaStream();
  readonly #sending = new Sending();
  #state: NegotiationState;
  #work: Promise<void> = Promise.resolve();
  #counters: Counters | null = null;
  #interruption?: ReturnType<typeof setTimeout>;

  constructor(
    options: PeerLinkOptions,
    private readonly listener: PeerLinkListener,
    connection = new RTCPeerConnection({ iceServers: options.ice, bundlePolicy: "max-bundle" }),
  ) {
    this.#connection = connection;
    this.#role = options.role;
    this.#state = options.expecting ? "expecting" : "idle";
    connection.onnegotiationneeded = () => this.take("needed");
    connection.onicecandidate = ({ candidate }) => {
      if (candidate) listener.send({ candidate: candidate.toJSON() as Candidate });
    };
    connection.ontrack = ({ track }) => {
      for (const old of this.#remote.getTracks()) if (old.kind === track.kind) this.#remote.removeTrack(old);
      this.#remote.addTrack(track);
      listener.stream(this.#remote);
    };
    connection.onconnectionstatechange = () => this.#pathChanged();
    const { stream } = options;
    for (const track of stream?.getTracks() ?? []) connection.addTrack(track, stream as MediaStream);
    if (!options.expecting) {
      // Who offers asks for what it has none of to send, too.
      const missing = KINDS.filter((kind) => !stream?.getTracks().some((track) => track.kind === kind));
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
    this.#work = this.#work
      .then(async () => {
        if (this.#state === "closed") return;
        const [state, action] = step(this.#role, event, this.#state);
        this.#state = state;
        await this.#act(action, payload);
      })
      .catch((error: unknown) => console.warn("Negotiation:", error));
  }

  /** Have pictures in both directions, or in none. */
  setVideo(wanted: boolean): void {
    for (const transceiver of this.#connection.getTransceivers()) {
      if (transceiver.receiver.track.kind !== "video" || transceiver.direction === "stopped") continue;
      const open = transceiver.sender.track ? "sendrecv" : "recvonly";
      transceiver.direction = wanted ? open : "inactive";
    }
  }

  /** Send these tracks from now on, where tracks of their kind were sent or nothing was. */
  async setStream(stream: MediaStream): Promise<void> {
    const sending = this.#connection.getTransceivers();
    for (const track of stream.getTracks()) {
      const transceiver = sending.find((one) => one.receiver.track.kind === track.kind);
      if (!transceiver) {
        this.#connection.addTrack(track, stream);
        continue;
      }
      await transceiver.sender.replaceTrack(track);
      transceiver.sender.setStreams?.(stream);
      if (transceiver.direction === "recvonly") transceiver.direction = "sendrecv";
    }
  }

  /** Read the statistics and fit what is sent to them; null before the path stands. Call every two seconds. */
  async measure(): Promise<Reading | null> {
    if (!this.isConnected) return null;
    const [reading, counters] = read(await this.#connection.getStats(), this.#counters);
    this.#counters = counters;
    if (this.#sending.take(reading)) await this.#fitSenders();
    return reading;
  }

  close(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    clearTimeout(this.#interruption);
    this.#connection.close();
  }

  async #act(action: NegotiationAction, payload?: Candidate | Description): Promise<void> {
    const connection = this.#connection;
    switch (action) {
      case "send-offer":
        await connection.setLocalDescription();
        this.#sendDescription();
        break;
      case "send-answer":
        await connection.setRemoteDescription(payload as Description);
        await connection.setLocalDescription();
        this.#sendDescription();
        break;
      case "take-answer":
        await connection.setRemoteDescription(payload as Description);
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
        this.listener.path("connected");
        void this.#fitSenders();
        break;
      case "disconnected":
        this.listener.path("interrupted");
        this.#interruption = setTimeout(() => void this.#restart(), INTERRUPTION);
        break;
      case "failed":
        this.listener.path("interrupted");
        void this.#restart();
        break;
      case "connecting":
        this.listener.path("connecting");
        break;
    }
  }

  async #restart(): Promise<void> {
    const iceServers = await this.listener.freshIce();
    if (this.#state === "closed" || this.isConnected) return;
    if (iceServers) this.#connection.setConfiguration({ iceServers, bundlePolicy: "max-bundle" });
    this.#connection.restartIce();
  }

  async #fitSenders(): Promise<void> {
    const rung = RUNGS[this.#sending.rung];
    for (const sender of this.#connection.getSenders()) {
      if (!sender.track || !rung) continue;
      const parameters = sender.getParameters();
      const wanted =
        sender.track.kind === "audio"
          ? withSoundFirst(parameters)
          : withRung(parameters, rung, sender.track.getSettings().height);
      await sender.setParameters(wanted).catch((error: unknown) => console.warn("Parameters:", error));
    }
  }
}
