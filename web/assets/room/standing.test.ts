import { expect, test } from "vitest";
import { clock, type Facts, standing } from "./standing";

const IN: Facts = {
  over: null,
  asked: true,
  door: false,
  joined: true,
  online: true,
  room: "live",
  peer: "here",
  path: "connected",
  pictures: true,
};

test.each<[Partial<Facts>, string]>([
  [{ asked: false }, "asking"],
  [{ joined: false, path: null, peer: "expected" }, "connecting"],
  [{ joined: false, door: true, path: null, peer: "expected" }, "door"],
  [{ joined: false, door: true, online: false, path: null, peer: "expected" }, "offline"],
  [{ path: null, peer: "expected" }, "waiting"],
  [{ path: null }, "calling"],
  [{ path: "connecting" }, "calling"],
  [{}, "live"],
  [{ pictures: false }, "silent"],
  [{ online: false }, "live"],
  [{ peer: "lost" }, "live"],
  [{ path: "interrupted" }, "interrupted"],
  [{ path: "interrupted", peer: "lost" }, "lost"],
  [{ path: "interrupted", online: false }, "offline"],
  [{ peer: "left", room: "ended" }, "ended"],
  [{ peer: "left" }, "away"],
  [{ over: "elsewhere" }, "elsewhere"],
])("%o: %s", (facts, word) => {
  expect(standing({ ...IN, ...facts })).toBe(word);
});

test("the clock", () => {
  expect([0, 59.9, 247, 3753, -5].map(clock)).toEqual(["0:00", "0:59", "4:07", "1:02:33", "0:00"]);
});
