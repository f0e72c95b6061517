// The way through another media server (Janus): one connection for what we send, and one for each person we get, which the
// server offers. Where one breaks, another is made beside it.
import type { Offered, Peer } from "../protocol.gen";
import type { Link, LinkState } from "./link";
import { ReceivingLink } from "./receiving_link";
import { PATIENCE, ServerWay } from "./server_way";
import type { Supplies, Way, WayListener } from "./way";

/** An older connection is kept while the newer one's tracks begin, ms. */
const BESIDE = 2_000;
/** ms until what the server did not take is said again. */
const AGAIN = 2_000;

/** One person, as we get them. */
interface Coming {
  peer: Peer;
  state: LinkState;
  /** The newest last. */
  links: ReceivingLink[];
  /** The number of the last connection that broke. */
  broken: number;
  patience?: ReturnType<typeof setTimeout>;
}

export class SplitWay implements Way {
  readonly #sending: ServerWay;
  readonly #coming = new Map<string, Coming>();
  #isAsking = false;
  #isClosed = false;
  #again?: ReturnType<typeof setTimeout>;

  constructor(
    readonly number: number,
    private readonly supplies: Supplies,
    private readonly listener: WayListener,
  ) {
    this.#sending = new ServerWay(number, supplies, { ...listener, fails: () => listener.fails(this) });
  }

  get links(): Link[] {
    return [...this.#sending.links, ...[...this.#coming.values()].flatMap(({ links }) => links)];
  }

  get staying(): Link[] {
    return [...this.#sending.staying, ...[...this.#coming.values()].flatMap(({ links }) => links.slice(-1))];
  }

  /** Of who sends nothing, that there is nothing to wait for. */
  stateOf(pid: string): LinkState | null {
    const coming = this.#coming.get(pid);
    if (!coming) return null;
    return coming.peer.streams.length === 0 && coming.links.length === 0 ? "connected" : coming.state;
  }

  meet(peer: Peer): void {
    this.heard(peer);
  }

  heard(peer: Peer): void {
    const known = this.#coming.get(peer.pid);
    if (known) known.peer = peer;
    else this.#coming.set(peer.pid, { peer, state: "connecting", links: [], broken: 0 });
    this.#ask();
  }

  part(pid: string): void {
    const coming = this.#coming.get(pid);
    if (!coming) return;
    this.#coming.delete(pid);
    this.#end(coming);
    this.#ask();
  }

  signal(): void {
    // Peers signal nothing by this way.
  }

  /** What somebody sends is offered to us. */
  offered(offered: Offered): void {
    const coming = this.#coming.get(offered.sender);
    const newest = coming?.links.at(-1);
    if (!coming || offered.path !== this.number) return;
    if (newest?.offered.number === offered.number) void newest.answer();
    else if (!newest || newest.offered.number < offered.number) this.#take(offered, coming);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#again);
    for (const coming of this.#coming.values()) this.#end(coming);
    this.#coming.clear();
    this.#sending.close();
  }

  /** Say whom we want to get, once however often it is called meanwhile. */
  #ask(): void {
    clearTimeout(this.#again);
    if (this.#isAsking || this.#isClosed) return;
    this.#isAsking = true;
    queueMicrotask(async () => {
      this.#isAsking = false;
      if (this.#isClosed) return;
      const { client, withVideo, withIncoming } = this.supplies;
      const video = withVideo && withIncoming;
      const people = [...this.#coming].map(([pid, { broken }]) => ({ pid, video, after: broken }));
      if ((await client.ask("wants", { path: this.number, people })) || this.#isClosed) return;
      clearTimeout(this.#again);
      this.#again = setTimeout(() => this.#ask(), AGAIN);
    });
  }

  #take(offered: Offered, coming: Coming): void {
    const { sender: pid, path, number } = offered;
    const { ice, guard, client } = this.supplies;
    const link: ReceivingLink = new ReceivingLink(
      offered,
      { ice, guard },
      {
        answer: (sdp) => void client.ask("answer", { path, sender: pid, number, sdp }),
        track: (track, streamId) => this.listener.coming(link, pid, streamId, track),
        state: (state) => this.#stateChanged(pid, link, state),
        wishes: () => this.#ask(),
        broken: () => this.#broken(pid, link),
      },
    );
    coming.links.push(link);
    clearTimeout(coming.patience);
    coming.patience = setTimeout(() => {
      this.listener.fails(this);
      this.#broken(pid, link);
    }, PATIENCE);
    void link.answer();
  }

  #broken(pid: string, link: ReceivingLink): void {
    const coming = this.#coming.get(pid);
    if (!coming || link !== coming.links.at(-1)) return;
    coming.broken = link.offered.number;
    this.#ask();
  }

  #stateChanged(pid: string, link: ReceivingLink, state: LinkState): void {
    const coming = this.#coming.get(pid);
    if (!coming || link !== coming.links.at(-1)) return;
    coming.state = state;
    if (state === "connected") {
      clearTimeout(coming.patience);
      setTimeout(() => this.#keepOnly(pid, link), BESIDE);
    }
    this.listener.changed();
  }

  #keepOnly(pid: string, link: ReceivingLink): void {
    const links = this.#coming.get(pid)?.links;
    for (const older of links?.splice(0, Math.max(0, links.indexOf(link))) ?? []) this.#close(older);
  }

  #end({ links, patience }: Coming): void {
    clearTimeout(patience);
    for (const link of links) this.#close(link);
  }

  #close(link: ReceivingLink): void {
    link.close();
    this.listener.over(link);
  }
}
