import { beforeEach, expect, test, vi } from "vitest";
import { FakeStream, fakeTrack } from "./fake_media";
import type { Outgoing } from "./link";
import { Sent } from "./outgoing";

let sent: Sent;

beforeEach(() => {
  vi.stubGlobal("MediaStream", FakeStream);
  sent = new Sent();
});

const devices = (...kinds: string[]) => new FakeStream(kinds.map((kind) => fakeTrack(kind))) as unknown as MediaStream;
const screen = (...kinds: string[]): Outgoing[] => {
  const stream = devices(...kinds);
  return stream.getTracks().map((track) => ({ track, stream, what: "screen" }));
};

test("other devices are sent in the stream the others know", () => {
  expect(sent.streams).toEqual([]);
  sent.setMain(devices("audio", "video"));
  const before = sent.streams;
  expect(before).toEqual([{ id: expect.any(String), what: "main" }]);
  const other = devices("audio");
  sent.setMain(other);
  expect(sent.streams).toEqual(before);
  expect(sent.tracks.map(({ track }) => track)).toEqual(other.getTracks());
});

test("what is put beside them has a stream of its own, until it is stopped", () => {
  sent.setMain(devices("audio", "video"));
  const shown = screen("video", "audio");
  sent.add(shown);
  expect(sent.streams.map(({ what }) => what)).toEqual(["main", "screen"]);
  expect(sent.tracks).toHaveLength(4);
  const again = { ...(shown[0] as Outgoing), track: fakeTrack("video") };
  sent.add([again]);
  expect(sent.tracks).toHaveLength(4);
  expect(sent.tracks).toContain(again);
  sent.remove(again.stream.id);
  expect(sent.streams.map(({ what }) => what)).toEqual(["main"]);
});

test("the switches are the microphone's and the camera's", () => {
  expect(sent.switch("audio", true)).toBe(false);
  sent.setMain(devices("audio"));
  sent.add(screen("video"));
  expect(sent.switch("audio", false)).toBe(false);
  expect([sent.isOn("audio"), sent.isOn("video")]).toEqual([false, false]);
  expect(sent.switch("audio", true)).toBe(true);
  expect(sent.isOn("audio")).toBe(true);
});
