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
  link: "connected",
  pictures: true,
};

test.each<[Partial<Facts>, string]>([
  [{ asked: false }, "asking"],
  [{ joined: false, link: null, peer: "expected" }, "connecting"],
  [{ joined: false, door: true, link: null, peer: "expected" }, "door"],
  [{ joined: false, door: true, online: false, link: null, peer: "expected" }, "offline"],
  [{ link: null, peer: "expected" }, "waiting"],
  [{ link: null }, "calling"],
  [{ link: "connecting" }, "calling"],
  [{}, "live"],
  [{ pictures: false }, "silent"],
  [{ online: false }, "live"],
  [{ peer: "lost" }, "live"],
  [{ link: "interrupted" }, "interrupted"],
  [{ link: "interrupted", peer: "lost" }, "lost"],
  [{ link: "interrupted", online: false }, "offline"],
  [{ peer: "left", room: "ended" }, "ended"],
  [{ peer: "left" }, "away"],
  [{ over: "elsewhere" }, "elsewhere"],
])("%o: %s", (facts, word) => {
  expect(standing({ ...IN, ...facts })).toBe(word);
});

test("the clock", () => {
  expect([0, 59.9, 247, 3753, -5].map(clock)).toEqual(["0:00", "0:59", "4:07", "1:02:33", "0:00"]);
});
