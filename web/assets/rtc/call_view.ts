// What a call tells, and to whom.
import type {
  ByeReason,
  ChatLine,
  ErrorCode,
  Joined,
  MediaOf,
  Path,
  Peer,
  PeerChanged,
  Room,
  Showing,
  Stream,
} from "../protocol.gen";
import type { Ladder } from "./ladder";
import type { LinkState } from "./link";
import type { Grade, Reading } from "./quality";
import type { Standing as SealStanding } from "./sealing/ring";

export interface CallView {
  /** We are in; peers are there or awaited. Comes again after each reconnect. */
  joined(reply: Joined): void;
  refused(error: ErrorCode): void;
  bye(reason: ByeReason): void;
  offline(): void;
  room(room: Room): void;
  peer(peer: Peer, change: PeerChanged["change"]): void;
  media(media: MediaOf): void;
  /** How far the line to somebody is. */
  link(peer: Peer, state: LinkState): void;
  /** Something somebody sends arrives; it goes when `media` names it no more. The same stream may come again. */
  stream(peer: Peer, stream: MediaStream, sent: Stream): void;
  /** The way sound and pictures take; unsettled while not everybody has changed over. */
  path(path: Path): void;
  /** Who can hear and see the call. */
  sealed(standing: SealStanding): void;
  chat(line: ChatLine): void;
  /** What the lines say of themselves, every second. */
  readings(readings: Reading[]): void;
  /** A single picture of somebody's, where moving ones rest. */
  still(pid: string, picture: Blob): void;
  /** What is sent has changed, or why. */
  ladder(ladder: Ladder): void;
  /** That of the worst link, where there are several. */
  quality(grade: Grade): void;
  atDoor(): void;
  guests(): void;
  showing(showing: Showing | null): void;
}

/** Those who are told. What the room says and nobody here has a part in goes on to them as it is. */
export class Views {
  readonly #views: Partial<CallView>[] = [];

  /** Tell one more, from now on. */
  tell(view: Partial<CallView>): void {
    this.#views.push(view);
  }

  offline(): void {
    this.told("offline");
  }

  chat(line: ChatLine): void {
    this.told("chat", line);
  }

  room(room: Room): void {
    this.told("room", room);
  }

  atDoor(): void {
    this.told("atDoor");
  }

  guests(): void {
    this.told("guests");
  }

  showing(showing: Showing | null): void {
    this.told("showing", showing);
  }

  protected told<E extends keyof CallView>(event: E, ...told: Parameters<CallView[E]>): void {
    for (const view of this.#views) (view[event] as ((...told: unknown[]) => void) | undefined)?.apply(view, told);
  }
}
