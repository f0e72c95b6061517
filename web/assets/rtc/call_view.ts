// What a call tells, and to whom.
import type {
  ByeReason,
  ChatLine,
  ErrorCode,
  Joined,
  MediaOf,
  NetOf,
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
  /** On which rung somebody is, and why. */
  net(net: NetOf): void;
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

/** What holds until it is told anew, by whom it is about. */
const HOLDS: Partial<Record<keyof CallView, (about: never) => string>> = {
  joined: () => "",
  path: () => "",
  sealed: () => "",
  peer: ({ pid }: Peer) => pid,
  link: ({ pid }: Peer) => pid,
  net: ({ sender }: NetOf) => sender,
};

/** Those who are told. What the room says and nobody here has a part in goes on to them as it is. */
export class Views {
  readonly #views: Partial<CallView>[] = [];
  /** What holds until it is told anew, in the order in which it came. */
  readonly #holds = new Map<string, (view: Partial<CallView>) => void>();

  /** Tell one more: how things stand, and then what changes. */
  tell(view: Partial<CallView>): void {
    this.#views.push(view);
    for (const tells of this.#holds.values()) tells(view);
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
    const tells = (view: Partial<CallView>) =>
      (view[event] as ((...told: unknown[]) => void) | undefined)?.apply(view, told);
    this.#hold(event, told, tells);
    for (const view of this.#views) tells(view);
  }

  #hold(event: keyof CallView, told: unknown[], tells: (view: Partial<CallView>) => void): void {
    const about = HOLDS[event];
    if (!about) return;
    const name = `${event} ${about(told[0] as never)}`;
    this.#holds.delete(name);
    this.#holds.set(name, tells);
  }
}
