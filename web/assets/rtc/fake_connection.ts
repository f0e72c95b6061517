// For tests: an RTCPeerConnection without a network, as far as our links use one.
import { FakeStream, fakeTrack } from "./fake_media";

class FakeSender {
  streams: MediaStream[] = [];

  constructor(public track: MediaStreamTrack | null) {}
  async replaceTrack(track: MediaStreamTrack | null) {
    this.track = track;
  }
  setStreams(...streams: MediaStream[]) {
    this.streams = streams;
  }
  getParameters() {
    return { encodings: [{}] };
  }
  async setParameters() {}
}

interface FakeTransceiver {
  mid: string | null;
  direction: string;
  sender: FakeSender;
  receiver: { track: MediaStreamTrack };
}

export class FakeConnection {
  static made: FakeConnection[] = [];
  connectionState = "new";
  signalingState = "stable";
  localDescription: { type: string; sdp: string; toJSON(): unknown } | null = null;
  remoteDescription: unknown = null;
  readonly transceivers: FakeTransceiver[] = [];
  /** What has come, by the id of the track. */
  readonly came = new Set<string>();
  onconnectionstatechange: (() => void) | null = null;
  onnegotiationneeded: (() => void) | null = null;
  ontrack: ((event: { track: MediaStreamTrack; streams: { id: string }[] }) => void) | null = null;

  constructor(readonly configuration: unknown) {
    FakeConnection.made.push(this);
  }

  addTransceiver(what: MediaStreamTrack | string, { direction = "sendrecv", streams = [] as MediaStream[] } = {}) {
    const track = typeof what === "string" ? null : what;
    const sender = new FakeSender(track);
    sender.streams = streams;
    const receiver = { track: fakeTrack(track?.kind ?? (what as string)) };
    const transceiver: FakeTransceiver = { mid: null, direction, sender, receiver };
    this.transceivers.push(transceiver);
    return transceiver;
  }
  addTrack(track: MediaStreamTrack, ...streams: MediaStream[]) {
    return this.addTransceiver(track, { streams }).sender;
  }
  getTransceivers() {
    return this.transceivers;
  }
  getSenders() {
    return this.transceivers.map(({ sender }) => sender);
  }
  getConfiguration() {
    return this.configuration;
  }
  createDataChannel() {
    return {};
  }
  async setLocalDescription(description?: { type: string }) {
    const isBack = description?.type === "rollback";
    for (const [at, one] of this.transceivers.entries()) one.mid = isBack ? null : String(at);
    const sdp = "v=0\r\n";
    this.localDescription = isBack ? null : { type: "offer", sdp, toJSON: () => ({ type: "offer", sdp }) };
  }
  async setRemoteDescription(description: unknown) {
    this.remoteDescription = description;
  }
  async getStats() {
    const rows = [...this.came].map((id) => ({
      type: "inbound-rtp",
      trackIdentifier: id,
      packetsReceived: 1,
      framesDecoded: 1,
    }));
    return new Map(rows.map((row) => [row.trackIdentifier, { ...row, kind: "audio" }]));
  }
  close() {
    this.connectionState = "closed";
  }

  /** The network has it otherwise. */
  become(state: string) {
    this.connectionState = state;
    this.onconnectionstatechange?.();
  }
  /** Something of theirs is offered. */
  offered(kind: string, streamId: string): MediaStreamTrack {
    const track = fakeTrack(kind);
    this.ontrack?.({ track, streams: [{ id: streamId }] });
    return track;
  }
}

export { FakeStream, fakeTrack };
