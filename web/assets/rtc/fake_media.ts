// For tests: streams and tracks without devices.

let count = 0;

export function fakeTrack(kind: string): MediaStreamTrack {
  count += 1;
  return { kind, id: `track-${count}`, enabled: true, getSettings: () => ({}) } as unknown as MediaStreamTrack;
}

export class FakeStream {
  readonly id = `stream-${++count}`;
  #tracks: MediaStreamTrack[];

  constructor(tracks: MediaStreamTrack[] = []) {
    this.#tracks = [...tracks];
  }
  getTracks(): MediaStreamTrack[] {
    return [...this.#tracks];
  }
  addTrack(track: MediaStreamTrack): void {
    if (!this.#tracks.includes(track)) this.#tracks.push(track);
  }
  removeTrack(track: MediaStreamTrack): void {
    this.#tracks = this.#tracks.filter((one) => one !== track);
  }
}
