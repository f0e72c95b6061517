import { beforeEach, expect, test, vi } from "vitest";
import type { Looking } from "../viewer";
import { Following, written } from "./following";

const HERE: Looking = {
  series: "1",
  sop: "1.1",
  frame: 1,
  level: null,
  view: { zoom: 1, x: 5, y: 5, turn: 0 },
  inverted: false,
};
const THERE: Looking = { ...HERE, sop: "1.2", level: { center: 40, width: 80 } };

/** A viewer that says so whenever it changes, as the real one does. */
class Viewer {
  looking = HERE;
  isPlaying = false;
  changed: () => void = () => undefined;

  look(looking: Looking): void {
    this.looking = { ...looking };
    this.changed();
  }

  pause(): void {
    this.isPlaying = false;
    this.changed();
  }
}

let viewer: Viewer;
let following: Following;
const letGo = vi.fn();

beforeEach(() => {
  letGo.mockReset();
  viewer = new Viewer();
  following = new Following(viewer, letGo);
  viewer.changed = () => following.changed();
});

test("the viewer goes where who presents goes", () => {
  following.take(THERE);
  expect(viewer.looking).toEqual(THERE);
  following.take({ ...HERE, level: undefined });
  expect(viewer.looking).toEqual(HERE);
  expect([following.isOn, letGo.mock.calls.length]).toEqual([true, 0]);
});

test("what only draws better is nobody's moving", () => {
  following.take(THERE);
  viewer.changed();
  expect(following.isOn).toBe(true);
});

test("whoever moves it lets go, is told once, and is not moved any more", () => {
  following.take(THERE);
  viewer.look({ ...THERE, inverted: true });
  viewer.look({ ...THERE, inverted: false });
  expect([following.isOn, letGo.mock.calls.length]).toEqual([false, 1]);
  following.take(HERE);
  expect(viewer.looking.sop).toBe("1.2");
  following.start();
  expect(viewer.looking).toEqual(HERE);
  following.release();
  following.take(THERE);
  expect(viewer.looking).toEqual(HERE);
});

test("following stops what plays, and playing lets go", () => {
  viewer.isPlaying = true;
  following.take(THERE);
  expect([viewer.isPlaying, following.isOn]).toEqual([false, true]);
  viewer.isPlaying = true;
  viewer.changed();
  expect([viewer.isPlaying, following.isOn]).toEqual([true, false]);
});

test("where nobody presents the viewer is its owner's", () => {
  following.take(THERE);
  following.stop();
  viewer.look(HERE);
  expect([following.isOn, letGo.mock.calls.length]).toEqual([true, 0]);
  following.start();
  expect(viewer.looking).toEqual(HERE);
});

test("a picture that the study here does not have moves nothing and lets nobody go", () => {
  viewer.look = () => undefined;
  following.take(THERE);
  viewer.changed();
  expect([viewer.looking, following.isOn]).toEqual([HERE, true]);
});

test("what means the same is written the same", () => {
  const turned = { turn: 0, y: 5, x: 5, zoom: 1 } as const;
  expect(written({ ...HERE, view: turned })).toBe(written(HERE));
  expect(written(THERE)).not.toBe(written(HERE));
});
