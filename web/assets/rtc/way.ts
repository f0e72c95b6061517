// What a path of the call is made of: from person to person (mesh.ts), through the server (server_way.ts), or through
// Janus (split_way.ts).
import type { Offered, Path, Peer, SignalFrom } from "../protocol.gen";
import type { Plan } from "./ladder";
import type { Link, LinkState, Outgoing } from "./link";
import type { RoomClient } from "./room_client";
import type { StillSeal } from "./sealing/still_seal";

/** What connections prove themselves with, and what passes through the server is sealed with. */
export interface Guard {
  readonly certificate: RTCCertificate;
  /** A description came from them. */
  saw(pid: string, sdp: string): void;
  /** Frames that go to the server. */
  seal(sender: RTCRtpSender): void;
  /** Frames of theirs that come from the server. */
  open(receiver: RTCRtpReceiver, pid: string): void;
  /** Single pictures, likewise. */
  readonly stills: Pick<StillSeal, "out" | "in">;
}

/** What the call gives, as it is at the moment it is asked for. */
export interface Supplies {
  readonly client: Pick<RoomClient, "ask" | "signal">;
  readonly outgoing: readonly Outgoing[];
  readonly plan: Plan;
  readonly withVideo: boolean;
  readonly withIncoming: boolean;
  readonly guard: Guard | null;
  readonly ice: RTCIceServer[];
  freshIce(): Promise<RTCIceServer[] | null>;
}

export interface WayListener {
  /** A track is to come over this link from somebody, in their stream of this id. */
  coming(link: Link, pid: string, streamId: string, track: MediaStreamTrack): void;
  /** A piece of a single picture of somebody's. */
  still(pid: string, message: unknown): void;
  /** A link is closed: nothing more comes over it. */
  over(link: Link): void;
  /** How far somebody's line is may have changed. */
  changed(): void;
  /** Nothing gets through this way. */
  fails(way: Way): void;
}

export interface Way {
  /** Of the path. */
  readonly number: number;
  readonly links: readonly Link[];
  /** Those of them that are there to stay. */
  readonly staying: readonly Link[];
  /** How far the line to somebody is; null where there is none. */
  stateOf(pid: string): LinkState | null;
  /** Somebody is there, or there again; `expecting`: where a connection to them is made, they offer. */
  meet(peer: Peer, expecting: boolean): void;
  /** Somebody sends something more or less. */
  heard(peer: Peer): void;
  part(pid: string): void;
  signal(signal: SignalFrom): void;
  /** The server offers what somebody sends. */
  offered?(offered: Offered): void;
  close(): void;
}

/** Begin by the way a path takes. */
export type Begin = (path: Path, supplies: Supplies, listener: WayListener) => Way;
