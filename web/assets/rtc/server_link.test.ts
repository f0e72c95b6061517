import { beforeEach, expect, test, vi } from "vitest";
import type { Peer, Through } from "../protocol.gen";
import { FakeConnection, FakeStream, fakeTrack } from "./fake_connection";
import { Ladder } from "./ladder";
import type { Outgoing } from "./link";
import { ServerLink } from "./server_link";

const turn = () => new Promise((done) => setTimeout(done, 0));
const peer = (pid: string, ...streams: Peer["streams"]) => ({ pid, streams }) as unknown as Peer;
const FACE = { id: "face", what: "main" } as const;

let offers: Through[];
let answer: string | null;
let connection: FakeConnection;
let link: ServerLink;
const listener = { track: vi.fn(), state: vi.fn(), broken: vi.fn() };

beforeEach(() => {
  vi.useRealTimers();
  vi.resetAllMocks();
  [offers, answer] = [[], "v=0\r\n"];
  connection = new FakeConnection({});
  const offer = async (through: Through) => {
    offers.push(through);
    return answer;
  };
  link = new ServerLink(
    { ice: [], plan: new Ladder().plan, guard: null },
    { ...listener, offer },
    connection as unknown as RTCPeerConnection,
  );
});

function outgoing(...kinds: string[]): Outgoing[] {
  const stream = new FakeStream() as unknown as MediaStream;
  return kinds.map((kind) => ({ track: fakeTrack(kind), stream, what: "main" }));
}

const directions = () =>
  connection.transceivers.map(({ direction, receiver }) => `${receiver.track.kind} ${direction}`);

test("one offer says what is sent and what is wanted of whom", async () => {
  void link.setTracks(outgoing("audio", "video"));
  link.setPeople([peer("a", FACE), peer("b")]);
  await turn();
  expect(offers).toHaveLength(1);
  expect(directions()).toEqual(["audio sendonly", "video sendonly", "audio recvonly", "video recvonly"]);
  expect(offers[0]?.wants).toEqual([
    { mid: "2", pid: "a", stream: "face", kind: "audio" },
    { mid: "3", pid: "a", stream: "face", kind: "video" },
  ]);
  expect(listener.track).toHaveBeenCalledTimes(2);
  expect(connection.remoteDescription).toMatchObject({ type: "answer" });
});

test("an m-line of who has gone serves for who comes", async () => {
  link.setPeople([peer("a", FACE)]);
  await turn();
  link.setPeople([]);
  await turn();
  expect(directions()).toEqual(["audio inactive", "video inactive"]);
  expect(offers.at(-1)?.wants).toEqual([]);
  link.setPeople([peer("b", FACE)]);
  await turn();
  expect(directions()).toEqual(["audio recvonly", "video recvonly"]);
  expect(offers.at(-1)?.wants.map(({ mid, pid }) => `${mid} ${pid}`)).toEqual(["0 b", "1 b"]);
});

test("what is sent no more leaves an m-line for the next thing", async () => {
  const [face, screen] = [outgoing("video"), outgoing("video")];
  await link.setTracks(face);
  await link.setTracks([]);
  expect(directions()).toEqual(["video inactive"]);
  await link.setTracks(screen);
  expect(directions()).toEqual(["video sendonly"]);
  expect(connection.transceivers[0]?.sender).toMatchObject({ track: screen[0]?.track, streams: [screen[0]?.stream] });
});

test("sound alone is sound alone in both directions", async () => {
  void link.setTracks(outgoing("audio", "video"));
  link.setPeople([peer("a", FACE, { id: "heart", what: "stethoscope" })]);
  await turn();
  expect(offers[0]?.wants.map(({ stream, kind }) => `${stream} ${kind}`)).toEqual([
    "face audio",
    "face video",
    "heart audio",
  ]);
  link.setVideo(false);
  await turn();
  expect(offers.at(-1)?.wants.map(({ kind }) => kind)).toEqual(["audio", "audio"]);
  expect(directions().filter((one) => one.startsWith("video"))).toEqual(["video inactive", "video inactive"]);
});

test("what is not answered is taken back, and offered again", async () => {
  vi.useFakeTimers();
  answer = null;
  link.setPeople([peer("a", FACE)]);
  await vi.advanceTimersByTimeAsync(10);
  expect(connection.localDescription).toBeNull();
  answer = "v=0\r\n";
  await vi.advanceTimersByTimeAsync(2_000);
  expect(offers).toHaveLength(2);
  expect(connection.remoteDescription).not.toBeNull();
});

test("a connection that stays silent is broken, one that comes back is not", async () => {
  vi.useFakeTimers();
  connection.become("connected");
  connection.become("disconnected");
  await vi.advanceTimersByTimeAsync(1_000);
  connection.become("connected");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(listener.broken).not.toHaveBeenCalled();
  connection.become("disconnected");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(listener.broken).toHaveBeenCalledTimes(1);
  connection.become("failed");
  expect(listener.broken).toHaveBeenCalledTimes(2);
});
