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
  /** What the statistics say of the last few seconds; null before the line stands. Call every second. */
  measure(): Promise<Reading | null>;
  /** Send pictures and sound of this size at most. */
  fit(plan: Plan): Promise<void>;
  close(): void;
}
