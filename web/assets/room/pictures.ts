// All pictures of the call but the first large one: people beyond the two, what they send beside their face, one's own.
import type { MediaOf, Peer, PeerChanged, Stream } from "../protocol.gen";
import type { LinkState } from "../rtc/link";
import { movable } from "./corner";
import { Large } from "./large";
import { StreamTiles } from "./stream_tiles";
import { Tiles } from "./tiles";

export interface PicturesPage {
  stage: HTMLElement;
  others: HTMLElement;
  self: HTMLElement;
  tile: HTMLTemplateElement;
  streamTile: HTMLTemplateElement;
}

export class Pictures {
  readonly large: Large;
  readonly streams: StreamTiles;
  readonly #people: Tiles;
  readonly #stopMoving: () => void;

  constructor(
    { stage, others, self, tile, streamTile }: PicturesPage,
    /** Who has the first picture: their face is not shown here. */
    private readonly main: string,
  ) {
    this.large = new Large(stage);
    this.#people = new Tiles(others, tile);
    this.streams = new StreamTiles(others, streamTile, (screen) => {
      if (screen) this.large.offer(screen);
      else this.large.settle();
    });
    this.#stopMoving = movable(self, stage);
    this.large.settle();
  }

  peer(peer: Peer, change: PeerChanged["change"]): void {
    this.streams.keep(peer.pid, change === "left" ? [] : peer.streams);
    if (peer.pid === this.main) return;
    if (change === "joined") this.#people.show(peer);
    if (change === "lost") this.#people.lost(peer.pid);
    if (change === "left") this.#people.remove(peer.pid);
    this.large.settle();
  }

  media(media: MediaOf): void {
    this.streams.keep(media.sender, media.streams);
    this.#people.media(media);
  }

  link(peer: Peer, state: LinkState): void {
    this.#people.link(peer.pid, state);
  }

  /** Anything that arrives but the first face. Resolves to false where the browser wants a tap before it plays sound. */
  async stream(peer: Peer, stream: MediaStream, sent: Stream): Promise<boolean> {
    return sent.what === "main" ? this.#people.stream(peer.pid, stream) : this.streams.show(peer, stream, sent);
  }

  /** After the tap. */
  hear(): void {
    this.#people.hear();
    this.streams.hear();
  }

  clear(): void {
    this.#people.clear();
    this.streams.clear();
  }

  close(): void {
    this.#stopMoving();
  }
}
