import { beforeEach, expect, test, vi } from "vitest";
import type { Devices, Kind } from "../rtc/devices";
import { OwnDevices, type OwnPage } from "./own_devices";

class Stream {
  constructor(private readonly tracks: MediaStreamTrack[] = []) {}
  getTracks() {
    return this.tracks;
  }
  getVideoTracks() {
    return this.tracks.filter(({ kind }) => kind === "video");
  }
}

let page: OwnPage;
let opened: { kind: string; stop: () => void; enabled: boolean }[];

beforeEach(() => {
  vi.stubGlobal("MediaStream", Stream);
  vi.spyOn(HTMLMediaElement.prototype, "play").mockResolvedValue();
  opened = [];
  const sentences = ["video:missing", "audio:missing", "both"].map((trouble) => {
    const sentence = document.createElement("p");
    sentence.dataset.trouble = trouble;
    return sentence;
  });
  page = {
    mute: document.createElement("button"),
    camera: document.createElement("button"),
    self: document.createElement("div"),
    local: document.createElement("video"),
    troubles: document.createElement("div"),
    sentences,
  };
});

/** Devices of which these are missing. */
const devices =
  (...missing: Kind[]) =>
  async (_asker: unknown, _choice: unknown, kinds: readonly Kind[] = ["audio", "video"]): Promise<Devices> => {
    const tracks = kinds
      .filter((kind) => !missing.includes(kind))
      .map((kind) => ({
        kind,
        enabled: true,
        readyState: "live",
        stop: vi.fn(),
        getSettings: () => ({}),
        addEventListener: vi.fn(),
      }));
    opened.push(...tracks);
    const trouble = Object.fromEntries(kinds.filter((kind) => missing.includes(kind)).map((kind) => [kind, "missing"]));
    return { stream: tracks.length ? (new Stream(tracks as never) as unknown as MediaStream) : null, trouble };
  };

test("another camera leaves the microphone as it is, and what was off stays off", async () => {
  const changed = vi.fn();
  const own = new OwnDevices(page, changed, devices());
  await own.reopen();
  page.camera.setAttribute("aria-pressed", "true");
  const stream = await own.reopen("video");
  const [microphone, first, second] = opened;
  expect(stream?.getTracks()).toEqual([microphone, second]);
  expect(changed).toHaveBeenLastCalledWith(stream);
  expect(microphone?.stop).not.toHaveBeenCalled();
  expect(first?.stop).toHaveBeenCalled();
  expect(second?.enabled).toBe(false);
  expect(page.self.hidden).toBe(true);
});

test("what is missing is said, and taken back once it is there", async () => {
  const own = new OwnDevices(page, () => undefined, devices("audio", "video"));
  expect(await own.reopen()).toBeNull();
  expect(page.sentences.map(({ hidden }) => hidden)).toEqual([false, false, false]);
  expect([page.mute.disabled, page.camera.disabled, page.self.hidden]).toEqual([true, true, true]);
  const later = new OwnDevices(page, () => undefined, devices());
  await later.reopen();
  expect(page.troubles.hidden).toBe(true);
});
