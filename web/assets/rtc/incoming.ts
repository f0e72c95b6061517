// What arrives of everybody: one MediaStream for each thing somebody sends, the same one whatever way it comes.

export class Incoming {
  readonly #people = new Map<string, Map<string, MediaStream>>();

  /** A track arrives in the sender's stream of this id; the stream to show. */
  put(pid: string, id: string, track: MediaStreamTrack): MediaStream {
    const streams = this.#people.get(pid) ?? new Map<string, MediaStream>();
    this.#people.set(pid, streams);
    const stream = streams.get(id) ?? new MediaStream();
    streams.set(id, stream);
    for (const old of stream.getTracks()) if (old.kind === track.kind && old !== track) stream.removeTrack(old);
    stream.addTrack(track);
    return stream;
  }

  of(pid: string): ReadonlyMap<string, MediaStream> {
    return this.#people.get(pid) ?? new Map();
  }

  forget(pid: string): void {
    this.#people.delete(pid);
  }
}
