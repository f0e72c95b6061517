import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isToReopen, Replugging, type Situation } from "./replugging";

const IN_USE: Situation = { device: "a", isLost: false, before: ["a"], now: ["a"], chosen: undefined };

test.each<[string, Partial<Situation>, boolean]>([
  ["nothing changed", {}, false],
  ["its device went", { isLost: true, now: [] }, true],
  ["another came beside it: nobody asked for that one", { now: ["a", "b"] }, false],
  ["the chosen one is back", { now: ["a", "b"], chosen: "b" }, true],
  ["the chosen one is in use", { now: ["a", "b"], chosen: "a" }, false],
  [
    "the chosen one was there all the time and did not open",
    { before: ["a", "b"], now: ["a", "b"], chosen: "b" },
    false,
  ],
  ["one came where there was none", { device: null, before: [], now: ["b"] }, true],
  ["there is still none", { device: null, before: [], now: [] }, false],
])("%s", (_, change, expected) => {
  expect(isToReopen({ ...IN_USE, ...change })).toBe(expected);
});

class Track extends EventTarget {
  readyState = "live";
  constructor(
    readonly kind: string,
    readonly deviceId: string,
  ) {
    super();
  }
  getSettings() {
    return { deviceId: this.deviceId };
  }
  pull() {
    this.readyState = "ended";
    this.dispatchEvent(new Event("ended"));
  }
}
const streamOf = (...tracks: Track[]) => ({ getTracks: () => tracks }) as unknown as MediaStream;

let devices: { kind: string; deviceId: string }[];
const media = Object.assign(new EventTarget(), { enumerateDevices: async () => devices as MediaDeviceInfo[] });
const camera = { kind: "videoinput", deviceId: "camera" };

beforeEach(() => {
  vi.useFakeTimers();
  devices = [camera];
});
afterEach(() => {
  vi.useRealTimers();
});

test("a camera that is pulled out is let go of, and opened again when it is back", async () => {
  const before = new Track("video", "camera");
  const reopen = vi.fn(async (): Promise<MediaStream | null> => null);
  const replugging = new Replugging(reopen, media, () => ({}));
  await replugging.follow(streamOf(before));
  devices = [];
  before.pull();
  media.dispatchEvent(new Event("devicechange"));
  await vi.advanceTimersByTimeAsync(600);
  expect(reopen.mock.calls).toEqual([["video"]]);
  devices = [camera];
  media.dispatchEvent(new Event("devicechange"));
  media.dispatchEvent(new Event("devicechange"));
  await vi.advanceTimersByTimeAsync(600);
  expect(reopen.mock.calls).toEqual([["video"], ["video"]]);
  replugging.close();
  media.dispatchEvent(new Event("devicechange"));
  await vi.advanceTimersByTimeAsync(600);
  expect(reopen).toHaveBeenCalledTimes(2);
});

test("a track that was stopped on purpose is not opened again", async () => {
  const before = new Track("video", "camera");
  const reopen = vi.fn(async () => null);
  const replugging = new Replugging(reopen, media, () => ({}));
  await replugging.follow(streamOf(before));
  await replugging.follow(streamOf(new Track("video", "camera")));
  before.pull();
  await vi.advanceTimersByTimeAsync(600);
  expect(reopen).not.toHaveBeenCalled();
  replugging.close();
});
