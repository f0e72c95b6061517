import { beforeEach, expect, test, vi } from "vitest";
import type { Path, Peer, SignalFrom } from "../protocol.gen";
import { LaterWay } from "./later_way";
import type { Link } from "./link";
import type { Begin, Supplies, Way, WayListener } from "./way";

const PATH: Path = { number: 3, way: "direct", settled: true };
const peer = (pid: string) => ({ pid }) as Peer;
const signal = (sender: string) => ({ sender }) as SignalFrom;
const listener = { coming: vi.fn(), still: vi.fn(), over: vi.fn(), changed: vi.fn(), fails: vi.fn() };
const told: unknown[] = [];
let within: WayListener;
let arrive: (begin: Begin) => void;
let way: LaterWay;

const begin: Begin = (path, _supplies, given) => {
  within = given;
  const link = {} as Link;
  return {
    number: path.number,
    links: [link],
    staying: [link],
    stateOf: () => "connected",
    meet: (...what) => told.push(["meet", ...what]),
    heard: (...what) => told.push(["heard", ...what]),
    part: (...what) => told.push(["part", ...what]),
    signal: (...what) => told.push(["signal", ...what]),
    close: () => told.push(["close"]),
  } satisfies Way;
};

beforeEach(() => {
  vi.resetAllMocks();
  told.length = 0;
  const coming = new Promise<Begin>((resolve) => {
    arrive = resolve;
  });
  way = new LaterWay(PATH, {} as Supplies, listener, coming);
});

test("what it is told before its program is here it tells in the same order, and then at once", async () => {
  way.meet(peer("a"), true);
  way.signal(signal("a"));
  way.part("a");
  expect(way.number).toBe(3);
  expect(way.links).toEqual([]);
  expect(way.stateOf("a")).toBeNull();
  expect(told).toEqual([]);
  arrive(begin);
  await vi.waitFor(() => expect(listener.changed).toHaveBeenCalled());
  way.heard(peer("b"));
  expect(told).toEqual([
    ["meet", peer("a"), true],
    ["signal", signal("a")],
    ["part", "a"],
    ["heard", peer("b")],
  ]);
  expect(way.links).toHaveLength(1);
  expect(way.stateOf("a")).toBe("connected");
});

test("where it fails, it is the one that fails", async () => {
  arrive(begin);
  await vi.waitFor(() => expect(listener.changed).toHaveBeenCalled());
  within.fails({} as Way);
  expect(listener.fails).toHaveBeenCalledExactlyOnceWith(way);
});

test("one that is closed before its program is here never begins", async () => {
  const begun = vi.fn(begin);
  way.meet(peer("a"), true);
  way.close();
  arrive(begun);
  await Promise.resolve();
  await Promise.resolve();
  expect(begun).not.toHaveBeenCalled();
});
