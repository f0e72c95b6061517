// What every line has that sound and pictures go over, whether to one person or to the server.
import type { StreamKind } from "../protocol.gen";
import type { Plan } from "./ladder";
import type { Reading } from "./quality";

/** A track we send, in the stream by whose id the others know it. */
export interface Outgoing {
  track: MediaStreamTrack;
  stream: MediaStream;
  what: StreamKind;
  /** What the others see it called. */
  name?: string;
}

export type LinkState = "connecting" | "connected" | "interrupted";

export interface Link {
  /** Whether sound and pictures can pass now. */
  readonly isConnected: boolean;
  /** Send these and nothing else from now on. */
  setTracks(outgoing: readonly Outgoing[]): Promise<void>;
  /** Have pictures in both directions, or in none. */
  setVideo(wanted: boolean): void;
  /** Get moving pictures, or only send them. */
  setIncoming(wanted: boolean): void;
  /** Send a piece of a single picture beside sound and picture; false where there is no way for it. */
  still?(message: Uint8Array<ArrayBuffer>): boolean;
  /** What the statistics say of the last few seconds; null before the line stands. Call every second. */
  measure(): Promise<Reading | null>;
  /** Send pictures and sound of this size at most. */
  fit(plan: Plan): Promise<void>;
  /** The ids of those tracks of which something has come. */
  arrived(): Promise<ReadonlySet<string>>;
  /** How many packets have come, of sound and pictures. */
  received(): Promise<number>;
  /** Nothing comes any more, whatever the connection says: find another way. */
  recover(): void;
  close(): void;
}

/** A connection like all of ours: everything in one bundle, and one certificate for all where it stands for the page. */
export function connect(iceServers: RTCIceServer[], certificate?: RTCCertificate): RTCPeerConnection {
  return new RTCPeerConnection({
    iceServers,
    bundlePolicy: "max-bundle",
    ...(certificate && { certificates: [certificate] }),
  });
}

/** ms of `disconnected`: a connection to the server may heal by itself, but not where an address has changed. */
const INTERRUPTION = 1_500;

/** Tell how a connection to the server stands, and when it comes to nothing any more. Returns what ends the waiting. */
export function watchServer(
  connection: RTCPeerConnection,
  told: { state(state: LinkState): void; broken(): void },
): () => void {
  let interruption: ReturnType<typeof setTimeout> | undefined;
  connection.onconnectionstatechange = () => {
    clearTimeout(interruption);
    switch (connection.connectionState) {
      case "connected":
        told.state("connected");
        break;
      case "disconnected":
        told.state("interrupted");
        interruption = setTimeout(() => told.broken(), INTERRUPTION);
        break;
      case "failed":
        told.state("interrupted");
        told.broken();
        break;
    }
  };
  return () => clearTimeout(interruption);
}

/** The same thing's sound or picture, whatever device it comes from. */
export function slot({ stream, track }: Outgoing): string {
  return `${stream.id} ${track.kind}`;
}

type Report = { forEach(take: (row: Record<string, unknown>) => void): void };

/** All packets of sound and pictures that came. */
export function receivedPackets(report: Report): number {
  let sum = 0;
  report.forEach((row) => {
    if (row.type === "inbound-rtp") sum += Number(row.packetsReceived ?? 0);
  });
  return sum;
}

/** The tracks, by their ids, of which a picture was decoded or a packet of sound received. */
export function arrivedTracks(report: Report): ReadonlySet<string> {
  const ids = new Set<string>();
  report.forEach((row) => {
    const count = row.kind === "video" ? row.framesDecoded : row.packetsReceived;
    if (row.type === "inbound-rtp" && Number(count) > 0) ids.add(String(row.trackIdentifier));
  });
  return ids;
}
