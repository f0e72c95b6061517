// What somebody sends beside their face, and what we do: a tile for each further camera, screen or stethoscope.
import type { Peer, Stream } from "../protocol.gen";
import { play } from "./video";

interface Tile {
  element: HTMLElement;
  video: HTMLVideoElement;
  pid: string;
}

export class StreamTiles {
  readonly #tiles = new Map<string, Tile>();

  constructor(
    private readonly place: HTMLElement,
    private readonly template: HTMLTemplateElement,
    /** Tiles have come or gone; the key of a screen that somebody else begins to show. */
    private readonly changed: (screen?: string) => void,
  ) {}

  /** Show what somebody sends. Resolves to false where the browser wants a tap before it plays sound. */
  async show({ pid, name }: Pick<Peer, "pid" | "name">, stream: MediaStream, sent: Stream): Promise<boolean> {
    const tile = this.#tiles.get(sent.id) ?? this.#make(pid, name, sent);
    if (tile.video.srcObject === stream && !tile.video.paused) return true;
    return play(tile.video, stream);
  }

  /** What we send ourselves: seen as it is, and not heard. */
  async showOwn(stream: MediaStream, sent: Stream): Promise<void> {
    const { element, video } = this.#make("", this.template.dataset.you ?? "", sent);
    element.dataset.own = "";
    video.muted = true;
    await play(video, stream);
  }

  /** Of this person only these streams are left. */
  keep(pid: string, streams: readonly Stream[]): void {
    for (const [id, tile] of this.#tiles) {
      if (tile.pid === pid && !streams.some((one) => one.id === id)) this.remove(id);
    }
  }

  remove(id: string): void {
    const tile = this.#tiles.get(id);
    if (!tile) return;
    tile.video.srcObject = null;
    tile.element.remove();
    this.#tiles.delete(id);
    this.changed();
  }

  clear(): void {
    for (const id of [...this.#tiles.keys()]) this.remove(id);
  }

  /** After the tap. */
  hear(): void {
    for (const { element, video } of this.#tiles.values()) {
      if (!("own" in element.dataset)) video.muted = false;
      void video.play();
    }
  }

  /** Hear a stethoscope, or no more. */
  mute(id: string, button: HTMLElement): void {
    const video = this.#tiles.get(id)?.video;
    if (!video) return;
    video.muted = !video.muted;
    button.setAttribute("aria-pressed", String(video.muted));
  }

  #make(pid: string, person: string, { id, what, name }: Stream): Tile {
    const element = (this.template.content.cloneNode(true) as DocumentFragment).firstElementChild as HTMLElement;
    const video = element.querySelector("video") as HTMLVideoElement;
    const label = [person, name || this.template.dataset[what]].filter(Boolean).join(" · ");
    element.dataset.tileKey = id;
    element.dataset.what = what;
    video.ariaLabel = label;
    for (const button of element.querySelectorAll<HTMLElement>("button[data-label]")) {
      button.dataset.roomKeyParam = id;
      button.ariaLabel = (button.dataset.label ?? "").replace("{name}", label);
    }
    for (const part of element.querySelectorAll<HTMLElement>("[data-only]")) {
      part.hidden = !part.dataset.only?.split(" ").includes(pid ? what : `own-${what}`);
    }
    const words = element.querySelector("[data-tile=name]");
    if (words) words.textContent = label;
    const tile: Tile = { element, video, pid };
    this.#tiles.set(id, tile);
    this.place.append(element);
    this.changed(pid && what === "screen" ? id : undefined);
    return tile;
  }
}
