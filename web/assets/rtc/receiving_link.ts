// One RTCPeerConnection by which one person's sound and pictures come, where the path is split: the server offers, once.
import type { Offered } from "../protocol.gen";
import { arrivedTracks, connect, type Link, type LinkState, receivedPackets, watchServer } from "./link";
import { Meter, type Reading } from "./quality";
import type { Guard } from "./way";

export interface ReceivingLinkListener {
  /** Our answer (SDP). */
  answer(sdp: string): void;
  track(track: MediaStreamTrack, streamId: string): void;
  state(state: LinkState): void;
  /** Whether pictures are wanted may have changed. */
  wishes(): void;
  /** This connection comes to nothing any more. */
  broken(): void;
}

export class ReceivingLink implements Link {
  readonly #connection: RTCPeerConnection;
  readonly #meter = new Meter();
  readonly #endWatch: () => void;
  #isClosed = false;

  constructor(
    readonly offered: Offered,
    private readonly options: { ice: RTCIceServer[]; guard: Guard | null },
    private readonly listener: ReceivingLinkListener,
    connection?: RTCPeerConnection,
  ) {
    this.#connection = connection ?? connect(options.ice, options.guard?.certificate);
    this.#endWatch = watchServer(this.#connection, listener);
  }

  get isConnected(): boolean {
    return this.#connection.connectionState === "connected";
  }

  /** Answer the offer; what was answered is answered again, for the answer may not have got through. */
  async answer(): Promise<void> {
    const connection = this.#connection;
    try {
      if (!connection.localDescription) {
        await connection.setRemoteDescription({ type: "offer", sdp: this.offered.sdp });
        this.#takeTracks();
        await connection.setLocalDescription();
      }
      if (!this.#isClosed && connection.localDescription) this.listener.answer(connection.localDescription.sdp);
    } catch (error) {
      if (this.#isClosed) return;
      console.warn("Negotiation:", error);
      this.listener.broken();
    }
  }

  async setTracks(): Promise<void> {
    // Nothing is sent by it.
  }

  setVideo(): void {
    this.listener.wishes();
  }

  setIncoming(): void {
    this.listener.wishes();
  }

  async measure(): Promise<Reading | null> {
    if (!this.isConnected) return null;
    // Nothing is sent: what the browser says of the uplink is a guess.
    return { ...this.#meter.take(await this.#connection.getStats()), uplink: null };
  }

  async fit(): Promise<void> {
    // Nothing is sent by it.
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

  close(): void {
    this.#isClosed = true;
    this.#endWatch();
    this.#connection.close();
  }

  #takeTracks(): void {
    const carried = new Map(this.offered.carries.map((one) => [one.mid, one]));
    for (const { mid, receiver } of this.#connection.getTransceivers()) {
      const one = carried.get(mid ?? "");
      if (!one) continue;
      this.options.guard?.open(receiver, this.offered.sender);
      this.listener.track(receiver.track, one.stream);
    }
  }
}
