// All that we send: microphone and camera, and whatever else was put beside them. One stream for each thing.
import type { Stream } from "../protocol.gen";
import type { Outgoing } from "./link";

export class Sent {
  /** Microphone and camera. It stays the same while devices come and go, so that nothing is negotiated for them. */
  readonly #main = new MediaStream();
  #more: Outgoing[] = [];

  /** Microphone and camera are these from now on. */
  setMain(devices: MediaStream | null): void {
    for (const track of this.#main.getTracks()) this.#main.removeTrack(track);
    for (const track of devices?.getTracks() ?? []) this.#main.addTrack(track);
  }

  /** Send these too; a track of the same stream and kind gives way. */
  add(outgoing: readonly Outgoing[]): void {
    const isReplaced = (old: Outgoing) =>
      outgoing.some(({ stream, track }) => stream.id === old.stream.id && track.kind === old.track.kind);
    this.#more = [...this.#more.filter((old) => !isReplaced(old)), ...outgoing];
  }

  /** Send nothing of this stream any more. */
  remove(streamId: string): void {
    this.#more = this.#more.filter(({ stream }) => stream.id !== streamId);
  }

  get tracks(): Outgoing[] {
    const main = this.#main.getTracks().map((track) => ({ track, stream: this.#main, what: "main" as const }));
    return [...main, ...this.#more];
  }

  /** How many lines the camera gives; undefined without one, or where it does not say. */
  get cameraLines(): number | undefined {
    return this.#main
      .getTracks()
      .find(({ kind }) => kind === "video")
      ?.getSettings().height;
  }

  /** As the others are told of it. */
  get streams(): Stream[] {
    return [
      ...new Map(
        this.tracks.map(({ stream, what, name }) => [stream.id, { id: stream.id, what, ...(name && { name }) }]),
      ).values(),
    ];
  }

  /** Microphone or camera on or off; whether there is one, and it is on. */
  switch(kind: string, on: boolean): boolean {
    const tracks = this.#main.getTracks().filter((track) => track.kind === kind);
    for (const track of tracks) track.enabled = on;
    return on && tracks.length > 0;
  }

  isOn(kind: string): boolean {
    return this.#main.getTracks().some((track) => track.kind === kind && track.enabled);
  }
}
