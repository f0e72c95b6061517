// What every line has that sound and pictures go over, whether to one person or to the server.
import type { StreamKind } from "../protocol.gen";
import type { Reading } from "./quality";
import type { Rung, Sound } from "./sending";

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
  /** What the statistics say since the last time; null before the line stands. Call every two seconds. */
  measure(): Promise<Reading | null>;
  /** Send pictures and sound of this size at most. */
  fit(rung: Rung, sound: Sound): Promise<void>;
  close(): void;
}

/** Put a size onto all that is sent, each track by its kind. */
export async function fitSenders(
  senders: readonly RTCRtpSender[],
  fitted: (parameters: RTCRtpSendParameters, track: MediaStreamTrack) => RTCRtpSendParameters,
): Promise<void> {
  for (const sender of senders) {
    if (!sender.track) continue;
    const wanted = fitted(sender.getParameters(), sender.track);
    await sender.setParameters(wanted).catch((error: unknown) => console.warn("Parameters:", error));
  }
}
