import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Path, Peer } from "../protocol.gen";
import { FakeConnection, FakeStream } from "./fake_connection";
import { Ladder } from "./ladder";
import { Paths } from "./paths";
import { begin } from "./ways";

const DIRECT: Path = { number: 1, way: "direct", settled: true };
const SERVER: Path = { number: 2, way: "server", settled: false };

const listener = { stream: vi.fn(), link: vi.fn(), path: vi.fn(), still: vi.fn(), gone: vi.fn() };
const client = { ask: vi.fn(), signal: vi.fn() };
let paths: Paths;

function peer(pid: string, changes: Partial<Peer> = {}): Peer {
  const streams: Peer["streams"] = [{ id: `${pid}'s face`, what: "main" }];
  const state = { present: true, polite: false, audio: true, video: true, hand: false };
  return { pid, name: pid, role: "guest", page: "1", streams, ...state, ...changes } as Peer;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  vi.stubGlobal("MediaStream", FakeStream);
  vi.stubGlobal("RTCPeerConnection", FakeConnection);
  FakeConnection.made = [];
  client.ask.mockImplementation(async (event: string) => (event === "through" ? { sdp: "v=0\r\n" } : { ok: "yes" }));
  paths = new Paths(
    {
      client,
      outgoing: [],
      plan: new Ladder().plan,
      withVideo: true,
      withIncoming: true,
      guard: null,
      ice: [],
      freshIce: async () => null,
    } as unknown as ConstructorParameters<typeof Paths>[0],
    listener,
    begin,
  );
});

afterEach(() => {
  paths.close();
  vi.useRealTimers();
});

const made = (at: number) => FakeConnection.made.at(at) as FakeConnection;
const tried = () => client.ask.mock.calls.filter(([event]) => event === "path").map(([, message]) => message);

test("who comes has a connection to each, and one through the server where the path leads there", () => {
  paths.joined([peer("a"), peer("b"), peer("c", { present: false })], DIRECT);
  expect(FakeConnection.made).toHaveLength(2);
  paths.close();
  paths.joined([peer("a"), peer("b")], { ...SERVER, number: 3 });
  expect(FakeConnection.made).toHaveLength(3);
});

test("a track is taken over from its first frame on, and the old path ends when all have changed over", async () => {
  paths.joined([peer("a")], DIRECT);
  made(0).become("connected");
  const before = made(0).offered("audio", "a's face");
  const [, stream] = listener.stream.mock.calls.at(-1) as [Peer, MediaStream];
  expect(stream.getTracks()).toEqual([before]);

  paths.follow(SERVER);
  await vi.advanceTimersByTimeAsync(50);
  expect(FakeConnection.made).toHaveLength(2);
  made(1).become("connected");
  await vi.advanceTimersByTimeAsync(500);
  expect(stream.getTracks()).toEqual([before, expect.objectContaining({ kind: "video" })]);
  expect(tried()).toEqual([]);
  const after = made(1).transceivers[0]?.receiver.track as MediaStreamTrack;
  made(1).came.add(after.id);
  await vi.advanceTimersByTimeAsync(200);
  expect(stream.getTracks()).toContain(after);
  expect(stream.getTracks()).not.toContain(before);
  expect(tried()).toEqual([{ number: 2, works: true }]);
  expect(made(0).connectionState).toBe("connected");
  paths.follow({ ...SERVER, settled: true });
  expect(made(0).connectionState).toBe("closed");
});

test("what rests with its sender is not waited for", async () => {
  paths.joined([peer("a")], DIRECT);
  made(0).offered("video", "a's face");
  paths.follow(SERVER);
  await vi.advanceTimersByTimeAsync(50);
  made(1).become("connected");
  await vi.advanceTimersByTimeAsync(3_000);
  expect(tried()).toEqual([]);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(tried()).toEqual([{ number: 2, works: true }]);
});

test("nothing gets through: it is said, for the server and for a peer", async () => {
  paths.joined([peer("a")], SERVER);
  await vi.advanceTimersByTimeAsync(12_000);
  expect(tried()).toContainEqual({ number: 2, works: false });
  client.ask.mockClear();
  paths.follow({ number: 3, way: "direct", settled: false });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(tried()).toContainEqual({ number: 3, works: false });
});

test("signals reach the connection of their path alone", async () => {
  paths.joined([peer("a")], DIRECT);
  const taken = vi.spyOn(made(0), "setRemoteDescription");
  const description = { type: "offer", sdp: "v=0\r\n" } as const;
  paths.signal({ sender: "a", description, path: 7 });
  await vi.advanceTimersByTimeAsync(10);
  expect(taken).not.toHaveBeenCalled();
  paths.signal({ sender: "a", description, path: 1 });
  await vi.advanceTimersByTimeAsync(10);
  expect(taken).toHaveBeenCalled();
});

test("a path that was missed is taken beside the one that carries", async () => {
  paths.joined([peer("a")], DIRECT);
  made(0).become("connected");
  paths.joined([peer("a")], { ...SERVER, settled: true });
  await vi.advanceTimersByTimeAsync(50);
  expect(made(0).connectionState).toBe("connected");
  made(1).become("connected");
  await vi.advanceTimersByTimeAsync(200);
  expect(made(0).connectionState).toBe("closed");
  paths.follow(DIRECT);
  expect(FakeConnection.made).toHaveLength(2);
});

test("another page of theirs has another connection, the same keeps it; who does not come back goes", async () => {
  paths.joined([peer("a")], DIRECT);
  paths.peer({ peer: peer("a"), change: "joined" });
  expect(FakeConnection.made).toHaveLength(1);
  paths.peer({ peer: peer("a", { page: "2" }), change: "joined" });
  expect(FakeConnection.made).toHaveLength(2);
  expect(made(0).connectionState).toBe("closed");
  paths.peer({ peer: peer("a", { page: "2", present: false }), change: "lost" });
  await vi.advanceTimersByTimeAsync(59_000);
  expect(made(1).connectionState).not.toBe("closed");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(made(1).connectionState).toBe("closed");
  expect(listener.gone).toHaveBeenCalledTimes(1);
});

test("through the server a line that breaks is made anew beside the old one", async () => {
  paths.joined([peer("a")], SERVER);
  await vi.advanceTimersByTimeAsync(50);
  made(0).become("connected");
  made(0).become("failed");
  await vi.advanceTimersByTimeAsync(50);
  expect(FakeConnection.made).toHaveLength(2);
  expect(listener.link).toHaveBeenLastCalledWith(expect.objectContaining({ pid: "a" }), "interrupted");
  made(1).become("connected");
  expect(listener.link).toHaveBeenLastCalledWith(expect.objectContaining({ pid: "a" }), "connected");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(made(0).connectionState).toBe("closed");
});
