// A way whose program has yet to come: over a thin line the page is in the room, says who it waits for and takes what is
// written some seconds before that is here. What it is told until then it passes on, in the same order.
import type { Offered, Path, Peer, SignalFrom } from "../protocol.gen";
import type { Link, LinkState } from "./link";
import type { Begin, Supplies, Way, WayListener } from "./way";

export class LaterWay implements Way {
  #way: Way | null = null;
  #isClosed = false;
  readonly #told: ((way: Way) => void)[] = [];

  constructor(
    private readonly path: Path,
    supplies: Supplies,
    listener: WayListener,
    coming: Promise<Begin>,
  ) {
    void coming.then((begin) => {
      if (this.#isClosed) return;
      const way = begin(path, supplies, { ...listener, fails: () => listener.fails(this) });
      this.#way = way;
      for (const tell of this.#told.splice(0)) tell(way);
      listener.changed();
    });
  }

  get number(): number {
    return this.path.number;
  }

  get links(): readonly Link[] {
    return this.#way?.links ?? [];
  }

  get staying(): readonly Link[] {
    return this.#way?.staying ?? [];
  }

  stateOf(pid: string): LinkState | null {
    return this.#way?.stateOf(pid) ?? null;
  }

  meet(peer: Peer, expecting: boolean): void {
    this.#tell((way) => way.meet(peer, expecting));
  }

  heard(peer: Peer): void {
    this.#tell((way) => way.heard(peer));
  }

  part(pid: string): void {
    this.#tell((way) => way.part(pid));
  }

  signal(signal: SignalFrom): void {
    this.#tell((way) => way.signal(signal));
  }

  offered(offered: Offered): void {
    this.#tell((way) => way.offered?.(offered));
  }

  close(): void {
    this.#isClosed = true;
    this.#told.length = 0;
    this.#way?.close();
  }

  #tell(tell: (way: Way) => void): void {
    if (this.#way) tell(this.#way);
    else if (!this.#isClosed) this.#told.push(tell);
  }
}
