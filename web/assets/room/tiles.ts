// Everyone in the call but the one on the main stage and oneself: a small picture each, made from the page's <template>.
import type { MediaOf, Peer } from "../protocol.gen";
import type { LinkState } from "../rtc/link";
import { play } from "./video";

interface Tile {
  element: HTMLElement;
  video: HTMLVideoElement;
  lost: boolean;
  link: LinkState | null;
  pictures: boolean;
}

export class Tiles {
  readonly #tiles = new Map<string, Tile>();

  constructor(
    private readonly place: HTMLElement,
    private readonly template: HTMLTemplateElement,
  ) {}

  /** Show somebody who came, or came back. */
  show(peer: Peer): void {
    const tile = this.#tiles.get(peer.pid) ?? this.#make(peer);
    tile.lost = false;
    this.media({ sender: peer.pid, audio: peer.audio, video: peer.video });
  }

  lost(pid: string): void {
    this.#change(pid, { lost: true });
  }

  media({ sender, audio, video }: Omit<MediaOf, "streams">): void {
    part(this.#tiles.get(sender)?.element, "quiet")?.toggleAttribute("hidden", audio);
    this.#change(sender, { pictures: video });
  }

  link(pid: string, link: LinkState): void {
    this.#change(pid, { link });
  }

  /** Resolves to false where the browser wants a tap before it plays sound. */
  async stream(pid: string, stream: MediaStream): Promise<boolean> {
    const tile = this.#tiles.get(pid);
    return tile ? play(tile.video, stream) : true;
  }

  /** After the tap. */
  hear(): void {
    for (const { video } of this.#tiles.values()) {
      video.muted = false;
      void video.play();
    }
  }

  remove(pid: string): void {
    const tile = this.#tiles.get(pid);
    if (!tile) return;
    tile.video.srcObject = null;
    tile.element.remove();
    this.#tiles.delete(pid);
  }

  clear(): void {
    for (const pid of [...this.#tiles.keys()]) this.remove(pid);
  }

  #make(peer: Peer): Tile {
    const element = (this.template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    const video = element.querySelector("video") as HTMLVideoElement;
    element.dataset.pid = element.dataset.tileKey = peer.pid;
    video.ariaLabel = (video.dataset.label ?? "{name}").replace("{name}", peer.name);
    for (const button of element.querySelectorAll<HTMLElement>("button[data-label]")) {
      button.dataset.roomKeyParam = peer.pid;
      button.ariaLabel = (button.dataset.label ?? "").replace("{name}", peer.name);
    }
    const name = part(element, "name");
    if (name) name.textContent = peer.name;
    const tile: Tile = { element, video, lost: false, link: null, pictures: true };
    this.#tiles.set(peer.pid, tile);
    this.place.append(element);
    return tile;
  }

  #change(pid: string, change: Partial<Tile>): void {
    const tile = this.#tiles.get(pid);
    if (!tile) return;
    Object.assign(tile, change);
    const now = standing(tile);
    tile.element.dataset.standing = now;
    for (const words of tile.element.querySelectorAll<HTMLElement>("[data-when]")) {
      words.hidden = words.dataset.when !== now;
    }
  }
}

function standing({ lost, link, pictures }: Tile): "live" | "silent" | "lost" | "calling" {
  if (link === "connected") return pictures ? "live" : "silent";
  return lost || link === "interrupted" ? "lost" : "calling";
}

function part(tile: HTMLElement | undefined, name: string): HTMLElement | null {
  return tile?.querySelector<HTMLElement>(`[data-tile="${name}"]`) ?? null;
}
