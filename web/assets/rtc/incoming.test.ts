import { beforeEach, expect, test, vi } from "vitest";
import { FakeStream, fakeTrack } from "./fake_media";
import { Incoming } from "./incoming";
import type { Link } from "./link";

let incoming: Incoming;
const [direct, server] = [{} as Link, {} as Link];

beforeEach(() => {
  vi.stubGlobal("MediaStream", FakeStream);
  incoming = new Incoming();
});

const shown = (pid = "p", id = "face") => incoming.of(pid).get(id)?.getTracks();

test("the first that is to come is shown at once, the next link's from its first frame on, in the same stream", () => {
  const [one, other] = [fakeTrack("video"), fakeTrack("video")];
  incoming.put(direct, "p", "face", one);
  const stream = incoming.of("p").get("face");
  incoming.put(server, "p", "face", other);
  expect(shown()).toEqual([one]);
  expect(incoming.needsOthersThan([server])).toBe(true);
  incoming.arrived(server, new Set([other.id]));
  expect(shown()).toEqual([other]);
  expect(incoming.of("p").get("face")).toBe(stream);
  expect(incoming.needsOthersThan([server])).toBe(false);
});

test("where a link ends the other's is shown, come or not", () => {
  const [one, other] = [fakeTrack("audio"), fakeTrack("audio")];
  incoming.put(direct, "p", "face", one);
  incoming.put(server, "p", "face", other);
  incoming.drop(direct);
  expect(shown()).toEqual([other]);
  incoming.drop(server);
  expect(shown()).toEqual([]);
});

test("sound and picture are taken over each by itself", () => {
  const [sound, picture] = [fakeTrack("audio"), fakeTrack("video")];
  const [newSound, newPicture] = [fakeTrack("audio"), fakeTrack("video")];
  for (const track of [sound, picture]) incoming.put(direct, "p", "face", track);
  for (const track of [newSound, newPicture]) incoming.put(server, "p", "face", track);
  incoming.arrived(server, new Set([newSound.id]));
  expect(shown()).toEqual(expect.arrayContaining([picture, newSound]));
});

test("an m-line that carries another's track shows them there", () => {
  const track = fakeTrack("video");
  incoming.put(server, "p", "face", track);
  incoming.put(server, "q", "screen", track);
  expect(shown()).toEqual([]);
  expect(shown("q", "screen")).toEqual([track]);
});

test("what is not sent any more, and who has gone, is not waited for", () => {
  incoming.put(direct, "p", "face", fakeTrack("video"));
  incoming.put(direct, "p", "screen", fakeTrack("video"));
  incoming.keepOnly("p", new Set(["face"]));
  expect([...incoming.of("p").keys()]).toEqual(["face"]);
  incoming.forget("p");
  expect(incoming.of("p").size).toBe(0);
  expect(incoming.needsOthersThan([])).toBe(false);
});
