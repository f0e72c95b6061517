// The way the call takes, and how it changes: the room says which, we begin by the new one beside the old one, take each
// track from it as soon as something of it has come, and end the old one when everybody has changed over.
import type { MediaOf, Offered, Path, Peer, PeerChanged, SignalFrom, Stream } from "../protocol.gen";
import { Incoming } from "./incoming";
import type { Link, LinkState } from "./link";
import type { Begin, Supplies, Way } from "./way";

export interface PathsListener {
  stream(peer: Peer, stream: MediaStream, sent: Stream): void;
  link(peer: Peer, state: LinkState): void;
  path(path: Path): void;
  /** A piece of a single picture of somebody's. */
  still(pid: string, message: unknown): void;
  /** Who lost their line to the server did not come back. */
  gone(peer: Peer): void;
}

/** How long sound and pictures may outlive a peer's line to the server, ms: it may be gone because they may not be here. */
const GRACE = 60_000;
const LOOK_EVERY = 100; // ms, while a change is made
/** So many looks at that pace; whom one does not reach by then is looked for at leisure. */
const OFTEN = 200;
/** What has not come by the new path so long after the rest rests: its sender sends no picture now, ms. */
const RESTS = 4_000;

export class Paths {
  readonly #people = new Map<string, Peer>();
  readonly #absent = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #states = new Map<string, LinkState>();
  readonly #incoming = new Incoming();
  /** The newest last; the others end when it is settled. */
  #ways: Way[] = [];
  #path: Path | null = null;
  #isLooking = false;

  constructor(
    private readonly supplies: Supplies,
    private readonly listener: PathsListener,
    private readonly begin: Begin,
  ) {}

  get links(): Link[] {
    return this.#ways.flatMap(({ links }) => links);
  }

  /** We have come, or come back; who comes offers. Returns who is not expected here any more. */
  joined(peers: readonly Peer[], path: Path): Peer[] {
    const expected = new Map(peers.map((peer) => [peer.pid, peer]));
    const gone = [...this.#people.values()].filter(({ pid }) => !expected.has(pid));
    for (const { pid } of gone) this.#part(pid);
    for (const peer of this.#people.values()) if (!expected.get(peer.pid)?.present) this.#letGoSoon(peer);
    const present = peers.filter((peer) => peer.present);
    for (const peer of present) this.#know(peer);
    this.#take(path);
    for (const peer of present) this.#newest?.meet(peer, false);
    return gone;
  }

  peer({ peer, change }: PeerChanged): void {
    if (change === "joined") {
      this.#know(peer);
      this.#newest?.meet(peer, true);
    }
    if (change === "lost") this.#letGoSoon(peer);
    if (change === "left") this.#part(peer.pid);
  }

  media({ sender, audio, video, streams }: MediaOf): void {
    const peer = this.#people.get(sender);
    if (!peer) return;
    const heard = { ...peer, audio, video, streams };
    this.#people.set(sender, heard);
    this.#incoming.keepOnly(sender, new Set(streams.map(({ id }) => id)));
    for (const way of this.#ways) way.heard(heard);
    this.#show(heard);
  }

  signal(signal: SignalFrom): void {
    for (const way of this.#ways) way.signal(signal);
  }

  offered(offered: Offered): void {
    for (const way of this.#ways) way.offered?.(offered);
  }

  /** The room's path has changed, or everyone has changed over. Of those who are there the impolite one offers. */
  follow(path: Path): void {
    if (!this.#take(path)) return;
    for (const peer of this.#people.values()) this.#newest?.meet(peer, peer.polite);
  }

  /** We are in another call: nothing of the one before goes on. Returns who was there. */
  anew(): Peer[] {
    const gone = [...this.#people.values()];
    this.close();
    this.#path = null;
    return gone;
  }

  close(): void {
    for (const pid of [...this.#people.keys()]) this.#part(pid);
    for (const way of this.#ways) way.close();
    this.#ways = [];
  }

  get #newest(): Way | undefined {
    return this.#ways.at(-1);
  }

  /** True where another way begins by it. */
  #take(path: Path): boolean {
    const before = this.#path;
    if (before && path.number < before.number) return false;
    this.#path = path;
    this.listener.path(path);
    const isNew = before?.number !== path.number;
    if (isNew) this.#begin(path);
    else if (path.settled) this.#endOlder();
    return isNew;
  }

  #begin(path: Path): void {
    const listener = {
      coming: (link: Link, pid: string, streamId: string, track: MediaStreamTrack) => {
        this.#incoming.put(link, pid, streamId, track);
        const peer = this.#people.get(pid);
        if (peer) this.#show(peer);
      },
      still: (pid: string, message: unknown) => this.listener.still(pid, message),
      over: (link: Link) => this.#incoming.drop(link),
      changed: () => {
        this.#tellStates();
        void this.#changeOver();
      },
      fails: (failing: Way) => {
        if (failing === this.#newest) void this.supplies.client.ask("path", { number: path.number, works: false });
      },
    };
    this.#ways = [...this.#ways, this.begin(path, this.supplies, listener)];
    void this.#changeOver();
  }

  /** Take what comes by the newest way, until nothing is missing; then say so. */
  async #changeOver(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    let [way, through] = [this.#newest, 0];
    for (let looks = 0; way && this.#isChanging(way); looks += 1) {
      await new Promise((resolve) => setTimeout(resolve, looks < OFTEN ? LOOK_EVERY : 10 * LOOK_EVERY));
      for (const link of way.staying) this.#incoming.arrived(link, await link.arrived());
      if (way !== this.#newest) {
        [way, through] = [this.#newest, 0];
      } else if (this.#isThrough(way)) {
        through += LOOK_EVERY;
        if (through <= RESTS && this.#incoming.needsOthersThan(way.staying)) continue;
        if (this.#path?.settled) this.#endOlder();
        else void this.supplies.client.ask("path", { number: way.number, works: true });
        break;
      }
    }
    this.#isLooking = false;
  }

  #isChanging(way: Way): boolean {
    return !this.#path?.settled || this.#ways.length > 1 || way.links.length > way.staying.length;
  }

  #isThrough(way: Way): boolean {
    return [...this.#people.keys()].every((pid) => this.#absent.has(pid) || way.stateOf(pid) === "connected");
  }

  #endOlder(): void {
    for (const way of this.#ways.slice(0, -1)) way.close();
    this.#ways = this.#ways.slice(-1);
  }

  #know(peer: Peer): void {
    clearTimeout(this.#absent.get(peer.pid));
    this.#absent.delete(peer.pid);
    // Another page of theirs: what came from the one before is over.
    const before = this.#people.get(peer.pid);
    if (before && before.page !== peer.page) this.#part(peer.pid);
    this.#people.set(peer.pid, peer);
  }

  #part(pid: string): void {
    clearTimeout(this.#absent.get(pid));
    this.#absent.delete(pid);
    for (const way of this.#ways) way.part(pid);
    this.#people.delete(pid);
    this.#states.delete(pid);
    this.#incoming.forget(pid);
  }

  #letGoSoon(peer: Peer): void {
    if (!this.#people.has(peer.pid)) return;
    clearTimeout(this.#absent.get(peer.pid));
    const gone = () => {
      this.#part(peer.pid);
      this.listener.gone(peer);
    };
    this.#absent.set(peer.pid, setTimeout(gone, GRACE));
  }

  /** Everything of theirs that has arrived and has been named. */
  #show(peer: Peer): void {
    for (const [id, stream] of this.#incoming.of(peer.pid)) {
      const sent = peer.streams.find((one) => one.id === id);
      if (sent) this.listener.stream(peer, stream, sent);
    }
  }

  /** By whichever way somebody is reached, they are. */
  #tellStates(): void {
    for (const peer of this.#people.values()) {
      const states = this.#ways.map((way) => way.stateOf(peer.pid)).filter((state) => state !== null);
      const state = states.includes("connected") ? "connected" : states.at(-1);
      if (!state || state === this.#states.get(peer.pid)) continue;
      this.#states.set(peer.pid, state);
      this.listener.link(peer, state);
    }
  }
}
