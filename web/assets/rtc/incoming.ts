// What arrives of everybody: one MediaStream for each thing somebody sends, the same one by whatever link it comes. A
// track is taken over from one link by another only when something of it has come there: nothing stands still for it.
import type { Link } from "./link";

interface Slot {
  pid: string;
  streamId: string;
  kind: string;
  shown: Link | null;
  tracks: Map<Link, MediaStreamTrack>;
}

export class Incoming {
  readonly #streams = new Map<string, Map<string, MediaStream>>();
  readonly #slots = new Map<string, Slot>();

  /** A track is to come over this link, in the sender's stream of this id. */
  put(link: Link, pid: string, streamId: string, track: MediaStreamTrack): void {
    this.#take(link, (slot) => slot.tracks.get(link) === track);
    const key = `${pid} ${streamId} ${track.kind}`;
    const slot = this.#slots.get(key) ?? { pid, streamId, kind: track.kind, shown: null, tracks: new Map() };
    this.#slots.set(key, slot);
    slot.tracks.set(link, track);
    if (slot.shown === null || slot.shown === link) this.#show(slot, link);
  }

  /** Of these tracks of the link's something has come. */
  arrived(link: Link, ids: ReadonlySet<string>): void {
    for (const slot of this.#slots.values()) {
      const track = slot.tracks.get(link);
      if (track && slot.shown !== link && ids.has(track.id)) this.#show(slot, link);
    }
  }

  /** They send nothing but these streams any more. */
  keepOnly(pid: string, streamIds: ReadonlySet<string>): void {
    for (const [key, slot] of this.#slots) {
      if (slot.pid !== pid || streamIds.has(slot.streamId)) continue;
      this.#slots.delete(key);
      this.#streams.get(pid)?.delete(slot.streamId);
    }
  }

  /** Whether something is still shown that comes over none of these. */
  needsOthersThan(links: readonly Link[]): boolean {
    return [...this.#slots.values()].some(({ shown }) => shown !== null && !links.includes(shown));
  }

  /** Nothing more comes over this link. */
  drop(link: Link): void {
    this.#take(link, (slot) => slot.tracks.has(link));
  }

  of(pid: string): ReadonlyMap<string, MediaStream> {
    return this.#streams.get(pid) ?? new Map();
  }

  forget(pid: string): void {
    this.#streams.delete(pid);
    for (const [key, slot] of this.#slots) if (slot.pid === pid) this.#slots.delete(key);
  }

  #take(link: Link, isMeant: (slot: Slot) => boolean): void {
    for (const [key, slot] of this.#slots) {
      if (!isMeant(slot)) continue;
      slot.tracks.delete(link);
      if (slot.shown !== link) continue;
      slot.shown = null;
      const next = [...slot.tracks.keys()].at(-1);
      if (next) this.#show(slot, next);
      else {
        this.#clear(slot);
        this.#slots.delete(key);
      }
    }
  }

  #show(slot: Slot, link: Link): void {
    const track = slot.tracks.get(link) as MediaStreamTrack;
    const streams = this.#streams.get(slot.pid) ?? new Map<string, MediaStream>();
    this.#streams.set(slot.pid, streams);
    const stream = streams.get(slot.streamId) ?? new MediaStream();
    streams.set(slot.streamId, stream);
    slot.shown = link;
    if (stream.getTracks().includes(track)) return;
    this.#clear(slot);
    stream.addTrack(track);
  }

  #clear({ pid, streamId, kind }: Slot): void {
    const stream = this.#streams.get(pid)?.get(streamId);
    for (const track of stream?.getTracks() ?? []) if (track.kind === kind) stream?.removeTrack(track);
  }
}
