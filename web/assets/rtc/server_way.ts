// The way through the server: one connection for everything. Where it breaks, another is made beside it.
import type { Peer } from "../protocol.gen";
import type { LinkState } from "./link";
import { ServerLink } from "./server_link";
import type { Supplies, Way, WayListener } from "./way";

/** Without a connection after so long there is none to be had, ms. */
export const PATIENCE = 12_000;
/** An older connection is kept while the newer one's tracks begin, ms. */
const BESIDE = 2_000;
const AGAIN = [0, 1_000, 2_000, 4_000]; // ms before the next try; the last stands for all further ones

export class ServerWay implements Way {
  readonly #people = new Map<string, Peer>();
  /** The newest last. */
  #links: ServerLink[] = [];
  #state: LinkState = "connecting";
  #tries = 0;
  #patience?: ReturnType<typeof setTimeout>;
  #trying?: ReturnType<typeof setTimeout>;

  constructor(
    readonly number: number,
    private readonly supplies: Supplies,
    private readonly listener: WayListener,
  ) {
    this.#try();
  }

  get links(): ServerLink[] {
    return this.#links;
  }

  get staying(): ServerLink[] {
    return this.#links.slice(-1);
  }

  stateOf(pid: string): LinkState | null {
    return this.#people.has(pid) ? this.#state : null;
  }

  meet(peer: Peer): void {
    this.heard(peer);
  }

  heard(peer: Peer): void {
    this.#people.set(peer.pid, peer);
    this.#tellPeople();
  }

  part(pid: string): void {
    if (this.#people.delete(pid)) this.#tellPeople();
  }

  signal(): void {
    // Peers signal nothing by this way.
  }

  close(): void {
    clearTimeout(this.#patience);
    clearTimeout(this.#trying);
    for (const link of this.#links) this.#close(link);
    this.#links = [];
  }

  #tellPeople(): void {
    for (const link of this.#links) link.setPeople([...this.#people.values()]);
  }

  #try(): void {
    const { outgoing, plan, withVideo, withIncoming, ice, guard, client } = this.supplies;
    const link: ServerLink = new ServerLink(
      { ice, plan, guard },
      {
        offer: async (through) => (await client.ask("through", { ...through, path: this.number }))?.sdp ?? null,
        track: (track, pid, streamId) => this.listener.coming(link, pid, streamId, track),
        state: (state) => this.#stateChanged(link, state),
        broken: () => this.#tryAgain(link),
      },
    );
    this.#links = [...this.#links, link];
    if (!withVideo) link.setVideo(false);
    if (!withIncoming) link.setIncoming(false);
    void link.setTracks(outgoing);
    link.setPeople([...this.#people.values()]);
    clearTimeout(this.#patience);
    this.#patience = setTimeout(() => {
      if (!link.isNeeded) return;
      this.listener.fails(this);
      this.#tryAgain(link);
    }, PATIENCE);
  }

  #tryAgain(broken: ServerLink): void {
    if (broken !== this.#links.at(-1)) return;
    clearTimeout(this.#trying);
    // One that never stood is of no use beside another.
    if (!broken.isConnected && this.#links.length > 1) {
      this.#links = this.#links.filter((link) => link !== broken);
      this.#close(broken);
    }
    this.#trying = setTimeout(() => this.#try(), AGAIN[Math.min(this.#tries, AGAIN.length - 1)]);
    this.#tries += 1;
  }

  #stateChanged(link: ServerLink, state: LinkState): void {
    if (link !== this.#links.at(-1)) return;
    this.#state = state;
    if (state === "connected") {
      clearTimeout(this.#patience);
      this.#tries = 0;
      setTimeout(() => this.#keepOnly(link), BESIDE);
    }
    this.listener.changed();
  }

  #keepOnly(link: ServerLink): void {
    const at = this.#links.indexOf(link);
    for (const older of this.#links.slice(0, Math.max(0, at))) this.#close(older);
    this.#links = this.#links.slice(Math.max(0, at));
  }

  #close(link: ServerLink): void {
    link.close();
    this.listener.over(link);
  }
}
