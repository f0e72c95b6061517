// The way from person to person: a connection to each.
import type { Peer, SignalFrom } from "../protocol.gen";
import type { LinkState } from "./link";
import { PeerLink } from "./peer_link";
import type { Supplies, Way, WayListener } from "./way";

interface Line {
  peer: Peer;
  link: PeerLink;
  state: LinkState;
  patience: ReturnType<typeof setTimeout>;
}

/** Who is there and not reached after so long is not reached at all, ms. */
const PATIENCE = 15_000;

export class Mesh implements Way {
  readonly #lines = new Map<string, Line>();

  constructor(
    readonly number: number,
    private readonly supplies: Supplies,
    private readonly listener: WayListener,
  ) {}

  get links(): PeerLink[] {
    return [...this.#lines.values()].map(({ link }) => link);
  }

  get staying(): PeerLink[] {
    return this.links;
  }

  stateOf(pid: string): LinkState | null {
    return this.#lines.get(pid)?.state ?? null;
  }

  meet(peer: Peer, expecting: boolean): void {
    const line = this.#lines.get(peer.pid);
    if (line && line.peer.page === peer.page) {
      line.peer = peer;
      line.link.take("resumed");
    } else this.#connect(peer, expecting);
  }

  heard(): void {
    // It is offered by themselves.
  }

  part(pid: string): void {
    const line = this.#lines.get(pid);
    if (!line) return;
    clearTimeout(line.patience);
    this.#lines.delete(pid);
    line.link.close();
    this.listener.over(line.link);
  }

  signal({ sender, description, candidate, path }: SignalFrom): void {
    const link = this.#lines.get(sender)?.link;
    if (!link || path !== this.number) return;
    if (description) {
      this.supplies.guard?.saw(sender, description.sdp);
      link.take(description.type, description);
    } else if (candidate) link.take("candidate", candidate);
  }

  close(): void {
    for (const pid of [...this.#lines.keys()]) this.part(pid);
  }

  #connect(peer: Peer, expecting: boolean): void {
    this.part(peer.pid);
    const { client, outgoing, ice, guard, withVideo, withIncoming } = this.supplies;
    const link: PeerLink = new PeerLink(
      {
        role: peer.polite ? "polite" : "impolite",
        expecting,
        ice,
        outgoing,
        ...(guard && { certificate: guard.certificate }),
      },
      {
        send: (signal) => client.signal({ to: peer.pid, path: this.number, ...signal }),
        track: (track, streamId) => this.listener.coming(link, peer.pid, streamId, track),
        state: (state) => {
          line.state = state;
          if (state === "connected") {
            clearTimeout(line.patience);
            void link.fit(this.supplies.plan);
          }
          this.listener.changed();
        },
        still: (message) => this.listener.still(peer.pid, message),
        freshIce: () => this.supplies.freshIce(),
      },
    );
    const patience = setTimeout(() => this.listener.fails(this), PATIENCE);
    const line: Line = { peer, link, state: "connecting", patience };
    if (!withVideo) link.setVideo(false);
    if (!withIncoming) link.setIncoming(false);
    this.#lines.set(peer.pid, line);
  }
}
