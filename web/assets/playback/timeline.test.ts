import { expect, test } from "vitest";
import { Timeline } from "./timeline";

function part(begins: number, lasts: number) {
  const player = {
    currentTime: 0,
    paused: true,
    readyState: 4,
    play: async () => {
      player.paused = false;
    },
    pause: () => {
      player.paused = true;
    },
  };
  return { player, begins, lasts };
}

test("each plays in its time, and all end with the last", () => {
  const [one, two] = [part(0, 10), part(4, 10)];
  const timeline = new Timeline([one, two]);
  expect(timeline.length).toBe(14);
  timeline.play();
  expect([one.player.paused, two.player.paused]).toEqual([false, true]);
  timeline.pass(5);
  expect([one.player.currentTime, two.player.currentTime]).toEqual([5, 1]);
  expect(two.player.paused).toBe(false);
  timeline.pass(6);
  expect([one.player.paused, two.player.paused]).toEqual([true, false]);
  timeline.pass(9);
  expect([timeline.at, timeline.isPlaying, two.player.paused]).toEqual([14, false, true]);
  timeline.play();
  expect(timeline.at).toBe(0);
});

test("all are sought and held together", () => {
  const [one, two] = [part(0, 10), part(4, 10)];
  const timeline = new Timeline([one, two]);
  timeline.seek(8);
  expect([one.player.currentTime, two.player.currentTime]).toEqual([8, 4]);
  expect(one.player.paused).toBe(true);
  timeline.play();
  timeline.pause();
  expect([one.player.paused, two.player.paused]).toEqual([true, true]);
  timeline.pass(1);
  expect(timeline.at).toBe(8);
});

test("where one waits for its line all wait, and a little off is left alone", () => {
  const [one, two] = [part(0, 10), part(0, 10)];
  const timeline = new Timeline([one, two]);
  timeline.play();
  two.player.readyState = 2;
  timeline.pass(1);
  expect([timeline.at, one.player.paused]).toEqual([0, true]);
  two.player.readyState = 4;
  timeline.pass(1);
  expect([timeline.at, one.player.paused]).toEqual([1, false]);
  one.player.currentTime = 1.9;
  timeline.pass(1);
  expect(one.player.currentTime).toBe(1.9);
});
