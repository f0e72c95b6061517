import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Cine } from "./cine";
import type { Film, Showing } from "./film";
import { type Series, seriesOf } from "./stack";

/** A clip of four pictures, one image, and a clip of two. */
const STUDY = {
  ...{ path: "/s/1", id: "x", films: ["1.1"] },
  series: [
    {
      ...{ uid: "8", title: "", modality: "US" },
      instances: [
        ["1.1", 4, 4, 4, ""],
        ["1.2", 1, 4, 4, ""],
        ["1.3", 2, 4, 4, ""],
      ] as [string, number, number, number, string][],
    },
  ],
};

let series: Series;
let index: number;
let here: boolean;
let isThin: boolean;
let showing: Showing | null;
let speeds: number[];

const film: Film = {
  play: (one) => {
    showing = one;
  },
  setSpeed: (speed) => speeds.push(speed),
  stop: () => {
    showing = null;
  },
};

const cine = (): Cine =>
  new Cine(
    {
      place: () => ({ series, index }),
      isHere: () => here,
      turnTo: (at) => {
        index = at;
      },
      project: (_picture, _size, at) => {
        index = at;
      },
    },
    {
      line: {
        get isThin() {
          return isThin;
        },
      },
      film: () => film,
    },
  );

beforeEach(() => {
  vi.useFakeTimers();
  series = seriesOf(STUDY)[0] as Series;
  [index, here, isThin, showing, speeds] = [0, true, true, null, []];
});
afterEach(() => vi.useRealTimers());

test("as fast as recorded, else as is usual", () => {
  const one = cine();
  expect(one.rate).toBe(15);
  for (const slice of series.slices) slice.rate = 50;
  expect(one.rate).toBe(50);
  one.play();
  vi.advanceTimersByTime(61);
  expect(index).toBe(3);
});

test.each([
  [0, 1],
  [25, 25],
  [1000, 60],
])("%i pictures a second become %i, and what plays goes on with them", (chosen, rate) => {
  const one = cine();
  one.play();
  one.setRate(chosen);
  expect(one.rate).toBe(rate);
  vi.advanceTimersByTime(1000 / rate + 1);
  expect(index).toBe(1);
});

test("a moving picture goes round by itself", () => {
  index = 5;
  cine().play();
  vi.advanceTimersByTime(3 * (1000 / 15) + 1);
  expect(index).toBe(6);
  vi.advanceTimersByTime(1000 / 15);
  expect(index).toBe(5);
});

test("it waits for what is not here", () => {
  here = false;
  cine().play();
  vi.advanceTimersByTime(1000);
  expect(index).toBe(0);
});

test("over a thin line the video plays, from where the eye is, as fast as was chosen", () => {
  here = false;
  for (const slice of series.slices) slice.rate = 2;
  index = 1;
  const one = cine();
  one.setRate(4);
  one.play();
  expect([one.isPlaying, one.isFilm, showing?.from, showing?.speed]).toEqual([true, true, 0.5, 2]);
  showing?.shown({} as CanvasImageSource, { width: 4, height: 4 }, 1.49);
  expect(index).toBe(3);
  showing?.shown({} as CanvasImageSource, { width: 4, height: 4 }, 99);
  expect(index, "never beyond its end").toBe(3);
  one.setRate(1);
  expect(speeds).toEqual([0.5]);
  one.halt();
  expect([one.isPlaying, showing]).toEqual([false, null]);
});

test.each([
  ["its pictures are here", () => (here = true)],
  ["the line is fast", () => (isThin = false)],
  ["there is none", () => (index = 4)],
  ["nothing says how fast it was recorded", () => series.slices.map((slice) => (slice.rate = null))],
])("no video where %s", (_why, so) => {
  here = false;
  for (const slice of series.slices) slice.rate = 2;
  so();
  const one = cine();
  one.play();
  expect([one.isPlaying, one.isFilm]).toEqual([true, false]);
});

test("where the video fails its pictures play, and it is not tried again", () => {
  here = false;
  for (const slice of series.slices) slice.rate = 10;
  const one = cine();
  one.play();
  showing?.failed();
  expect([one.isPlaying, one.isFilm, series.slices[0]?.film]).toEqual([true, false, ""]);
});
