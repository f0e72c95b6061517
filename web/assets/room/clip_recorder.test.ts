import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ClipRecorder } from "./clip_recorder";

class Recorder extends EventTarget {
  static isTypeSupported = (form: string) => form === "video/mp4";
  state = "inactive";
  readonly mimeType: string;
  constructor(
    readonly stream: { tracks: { enabled: boolean; stop: () => void }[] },
    { mimeType }: { mimeType: string },
  ) {
    super();
    this.mimeType = mimeType;
    last = this;
  }
  start(): void {
    this.state = "recording";
  }
  stop(): void {
    this.state = "inactive";
    this.dispatchEvent(new Event("stop"));
  }
  give(size: number): void {
    this.dispatchEvent(Object.assign(new Event("dataavailable"), { data: new Blob([new Uint8Array(size)]) }));
  }
}

let last: Recorder;
const stopped = vi.fn();
const track = { enabled: false, clone: () => ({ enabled: false, stop: stopped }) };
const source = { getTracks: () => [track] } as unknown as MediaStream;

class Stream {
  constructor(readonly tracks: unknown[]) {}
  getTracks(): unknown[] {
    return this.tracks;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("MediaRecorder", Recorder);
  vi.stubGlobal("MediaStream", Stream);
  stopped.mockClear();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("it ends by itself after a minute, and lets go of the copies it recorded", () => {
  const made = vi.fn();
  const tick = vi.fn();
  new ClipRecorder(source, { tick, made });
  expect(last.stream.tracks[0]?.enabled).toBe(true);
  expect(track.enabled).toBe(false);
  last.give(10);
  vi.advanceTimersByTime(59_000);
  expect(made).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_500);
  const [clip] = made.mock.calls[0] as [File];
  expect([clip.name, clip.type, clip.size]).toEqual(["clip.mp4", "video/mp4", 10]);
  expect(stopped).toHaveBeenCalledOnce();
  expect(tick).toHaveBeenLastCalledWith(0);
});

test("it ends where it becomes too large, with what there was until then", () => {
  const made = vi.fn();
  new ClipRecorder(source, { tick: () => undefined, made });
  last.give(15 * 1024 * 1024);
  last.give(6 * 1024 * 1024);
  last.give(1);
  expect(made).toHaveBeenCalledOnce();
  expect((made.mock.calls[0] as [File])[0].size).toBe(15 * 1024 * 1024);
});

test("nothing recorded is no clip", () => {
  const made = vi.fn();
  new ClipRecorder(source, { tick: () => undefined, made }).stop();
  expect(made).toHaveBeenCalledWith(null);
});
