import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Offered, Peer } from "../protocol.gen";
import { FakeConnection, FakeStream } from "./fake_connection";
import { Ladder } from "./ladder";
import { SplitWay } from "./split_way";
import type { Supplies } from "./way";

const listener = { coming: vi.fn(), still: vi.fn(), over: vi.fn(), changed: vi.fn(), fails: vi.fn() };
const client = { ask: vi.fn(), signal: vi.fn() };
let supplies: Supplies & { withVideo: boolean };
let way: SplitWay;

const peer = (pid: string, streams: Peer["streams"] = [{ id: "face", what: "main" }]) =>
  ({ pid, streams }) as unknown as Peer;
const offer = (sender: string, number: number, changes: Partial<Offered> = {}): Offered => ({
  path: 4,
  sender,
  number,
  sdp: "v=0\r\n",
  carries: [{ mid: "0", stream: "face", kind: "audio" }],
  ...changes,
});
const asked = (event: string) => client.ask.mock.calls.filter(([name]) => name === event).map(([, message]) => message);
const made = (at: number) => FakeConnection.made.at(at) as FakeConnection;
const soon = () => vi.advanceTimersByTimeAsync(0);

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  vi.stubGlobal("MediaStream", FakeStream);
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  FakeConnection.made = [];
  client.ask.mockImplementation(async () => ({ ok: "yes" }));
  supplies = {
    client,
    outgoing: [],
    plan: new Ladder().plan,
    withVideo: true,
    withIncoming: true,
    guard: null,
    ice: [],
    freshIce: async () => null,
  } as unknown as typeof supplies;
  way = new SplitWay(4, supplies, listener);
});

afterEach(() => {
  way.close();
  vi.useRealTimers();
});

/** An offer comes, and its connection stands. */
async function come(offered: Offered): Promise<FakeConnection> {
  const before = FakeConnection.made.length;
  FakeConnection.prototype.setRemoteDescription = async function (this: FakeConnection, description: unknown) {
    this.remoteDescription = description;
    if (this.transceivers.length === 0) this.addTransceiver("audio", { direction: "recvonly" });
    for (const [at, one] of this.transceivers.entries()) one.mid = String(at);
  };
  way.offered(offered);
  await soon();
  if (FakeConnection.made.length > before) made(-1).become("connected");
  return made(-1);
}

test("all who are wanted are named at once, and again when it was not taken", async () => {
  client.ask.mockResolvedValueOnce(null);
  way.meet(peer("a"));
  way.meet(peer("b"));
  await soon();
  const both = ["a", "b"].map((pid) => ({ pid, video: true, after: 0 }));
  expect(asked("wants")).toEqual([{ path: 4, people: both }]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(asked("wants")).toHaveLength(2);
  way.part("a");
  await soon();
  expect(asked("wants").at(-1)).toEqual({ path: 4, people: both.slice(1) });
});

test("what somebody sends is answered, and shown as theirs", async () => {
  way.meet(peer("a"));
  const connection = await come(offer("a", 1));
  expect(asked("answer")).toEqual([{ path: 4, sender: "a", number: 1, sdp: "v=0\r\n" }]);
  expect(listener.coming.mock.calls[0]?.slice(1)).toEqual(["a", "face", connection.transceivers[0]?.receiver.track]);
  expect(way.stateOf("a")).toBe("connected");
  await come(offer("a", 1));
  expect(asked("answer"), "told again, answered again").toHaveLength(2);
  expect(FakeConnection.made.at(-1)).toBe(connection);
});

test("a later connection takes the place of the one before, when it stands", async () => {
  way.meet(peer("a"));
  const first = await come(offer("a", 1));
  const second = await come(offer("a", 3));
  expect([way.links.length, way.staying.length]).toEqual([3, 2]);
  expect(first.connectionState).toBe("connected");
  await vi.advanceTimersByTimeAsync(2_000);
  expect([first.connectionState, second.connectionState]).toEqual(["closed", "connected"]);
  await come(offer("a", 2));
  expect(made(-1), "one that is older counts for nothing").toBe(second);
});

test("offers for another path, and of who is not there, count for nothing", async () => {
  way.meet(peer("a"));
  await come(offer("a", 1, { path: 3 }));
  await come(offer("b", 1));
  expect(asked("answer")).toEqual([]);
});

test("what breaks is asked for anew by its number", async () => {
  way.meet(peer("a"));
  const connection = await come(offer("a", 5));
  connection.become("failed");
  await soon();
  expect(way.stateOf("a")).toBe("interrupted");
  expect(asked("wants").at(-1)).toEqual({ path: 4, people: [{ pid: "a", video: true, after: 5 }] });
});

test("who is not reached in time makes the way fail", async () => {
  way.meet(peer("a"));
  way.offered(offer("a", 1));
  await vi.advanceTimersByTimeAsync(12_000);
  expect(listener.fails).toHaveBeenCalledWith(way);
  expect(asked("wants").at(-1).people[0].after).toBe(1);
});

test("sound alone is asked for where no pictures are wanted", async () => {
  way.meet(peer("a"));
  await come(offer("a", 1));
  supplies.withVideo = false;
  for (const link of way.links) link.setVideo(false);
  await soon();
  expect(asked("wants").at(-1)).toEqual({ path: 4, people: [{ pid: "a", video: false, after: 0 }] });
});

test("who sends nothing is not waited for, and who left is closed", async () => {
  way.meet(peer("a", []));
  expect(way.stateOf("a")).toBe("connected");
  way.meet(peer("b"));
  expect(way.stateOf("b")).toBe("connecting");
  const connection = await come(offer("b", 1));
  way.part("b");
  expect([connection.connectionState, way.stateOf("b")]).toEqual(["closed", null]);
});
