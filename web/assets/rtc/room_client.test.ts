import { beforeEach, expect, test, vi } from "vitest";
import type { ChatLine, Joined } from "../protocol.gen";
import { FakeSocket } from "./fake_socket";
import { RoomClient, type RoomListener, type RoomSocket } from "./room_client";

const JOINED: Joined = {
  pid: "me",
  state: "waiting",
  peers: [],
  ice: [],
  chat: [],
  log: { last: 0, events: [], whole: true },
  path: { number: 1, way: "direct", settled: true },
  room: "c",
  consult: "c",
  now: "2026-01-01T00:00:00+00:00",
};

let socket: FakeSocket;
let listener: Record<keyof RoomListener, ReturnType<typeof vi.fn>>;
let room: RoomClient;
const turn = () => new Promise((done) => setTimeout(done, 0));

beforeEach(() => {
  socket = new FakeSocket({ join: JOINED, leave: { ok: "yes" } });
  const names = [
    "joined",
    "refused",
    "offline",
    "peer",
    "signal",
    "media",
    "chat",
    "room",
    "bye",
    "atDoor",
    "guests",
    "path",
    "showing",
  ] as const;
  listener = Object.fromEntries(names.map((name) => [name, vi.fn()])) as typeof listener;
  room = new RoomClient({ consult: "c" }, listener as unknown as RoomListener, socket as unknown as RoomSocket);
});

test("it joins on every connection, as the same page and with what is switched on", async () => {
  room.media(true, false, []);
  socket.connect();
  await turn();
  socket.disconnect();
  socket.connect();
  await turn();
  const join = { consult: "c", page: room.page, audio: true, video: false, streams: [], since: undefined };
  expect(socket.named("join")).toEqual([join, { ...join, since: 0 }]);
  expect(listener.joined).toHaveBeenCalledTimes(2);
  expect(listener.offline).toHaveBeenCalledTimes(1);
});

test("nothing is signalled before the answer to join, and what comes before it is passed over", async () => {
  room.signal({ to: "x", description: { type: "offer", sdp: "v=0" } });
  socket.hear("peer", {});
  expect(listener.peer).not.toHaveBeenCalled();
  socket.connect();
  await turn();
  room.signal({ to: "x", description: { type: "offer", sdp: "v=0" } });
  socket.hear("peer", {});
  expect(socket.named("signal")).toHaveLength(1);
  expect(listener.peer).toHaveBeenCalledTimes(1);
});

test("chat is sent again under the same id until it is taken", async () => {
  socket.connect();
  await turn();
  room.say("hello");
  await turn();
  socket.disconnect();
  socket.answers.chat = { ok: "yes" };
  socket.connect();
  await turn();
  await turn();
  const [first, second] = socket.named("chat") as ChatLine[];
  expect(first?.id).toBe(second?.id);
  socket.disconnect();
  socket.connect();
  await turn();
  expect(socket.named("chat")).toHaveLength(2);
});

const line = (id: string) => ({ id, sender: "you", name: "", text: id, sent_at: "" });

test("what came before the answer to join, and what was missed, is taken once and in order", async () => {
  const missed = { last: 2, events: [{ number: 2, kind: "chat", body: line("b") }], whole: false };
  socket.answers.join = {
    ...JOINED,
    log: { last: 1, events: [{ number: 1, kind: "chat", body: line("a") }], whole: false },
  };
  socket.answers.missed = missed;
  socket.hear("chat", line("a"), 1);
  socket.connect();
  await turn();
  expect(listener.chat.mock.calls.map(([{ id }]) => id)).toEqual(["a"]);
  socket.hear("chat", line("c"), 3);
  await turn();
  expect(socket.named("missed")).toEqual([{ since: 1 }]);
  expect(listener.chat.mock.calls.map(([{ id }]) => id)).toEqual(["a", "b", "c"]);
});

test("who missed too much joins anew", async () => {
  socket.answers.missed = { last: 900, events: [], whole: true };
  socket.connect();
  await turn();
  socket.answers.join = { ...JOINED, log: { last: 900, events: [], whole: true } };
  socket.hear("room", { state: "live" }, 900);
  await turn();
  await turn();
  expect((socket.named("join") as { since?: number }[]).map(({ since }) => since)).toEqual([undefined, undefined]);
  socket.hear("room", { state: "ended" }, 901);
  expect(listener.room).toHaveBeenLastCalledWith({ state: "ended" });
});

test("who begins to listen late hears what is in the log", async () => {
  socket.connect();
  await turn();
  socket.hear("room", { state: "live" }, 1);
  const heard = vi.fn();
  room.hear("room", heard);
  expect(heard).toHaveBeenCalledWith({ state: "live" });
});

test("it tries again by itself until the server is there, and gives up no try before its time", async () => {
  vi.useFakeTimers();
  const chance = vi.spyOn(Math, "random").mockReturnValue(0.999);
  socket.answers.beat = { ok: "yes" };
  socket.connect();
  await vi.advanceTimersByTimeAsync(1);
  socket.isReachable = false;
  socket.disconnect();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(socket.tries).toBe(2);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(socket.tries).toBe(2);
  await vi.advanceTimersByTimeAsync(600);
  expect(socket.tries).toBe(3);
  socket.isReachable = true;
  await vi.advanceTimersByTimeAsync(4_000);
  expect(socket.named("join")).toHaveLength(2);
  chance.mockRestore();
  vi.useRealTimers();
});

test("who hurries waits for no try", async () => {
  vi.useFakeTimers();
  socket.connect();
  await vi.advanceTimersByTimeAsync(1);
  socket.isReachable = false;
  socket.disconnect();
  await vi.advanceTimersByTimeAsync(2_500);
  socket.isReachable = true;
  room.hurry();
  await vi.advanceTimersByTimeAsync(1);
  expect(socket.named("join")).toHaveLength(2);
  vi.useRealTimers();
});

test("a beat tells whether the server is there, and has the room entered again where it forgot us", async () => {
  socket.connect();
  await turn();
  expect(await room.beat()).toBe(false);
  socket.answers.beat = { ok: "yes" };
  expect(await room.beat()).toBe(true);
  socket.answers.beat = () => {
    socket.answers.beat = { ok: "yes" };
    return { error: "not-joined" };
  };
  expect(await room.beat()).toBe(true);
  expect(socket.named("join")).toHaveLength(2);
  room.reopen();
  await turn();
  expect(socket.named("join")).toHaveLength(3);
});

test("a refusal is final", async () => {
  socket.answers.join = { error: "not-open" };
  socket.connect();
  await turn();
  expect(listener.refused).toHaveBeenCalledWith("not-open");
  socket.connect();
  await turn();
  expect(socket.named("join")).toHaveLength(1);
});

test("after bye it does not come back by itself", async () => {
  socket.connect();
  await turn();
  socket.hear("bye", { reason: "elsewhere" });
  expect(listener.bye).toHaveBeenCalledWith("elsewhere");
  expect(listener.offline).not.toHaveBeenCalled();
  expect(socket.connected).toBe(false);
});

test("a server that refuses the socket means that the sign-in is over", () => {
  socket.hear("connect_error");
  expect(listener.refused).not.toHaveBeenCalled();
  socket.active = false;
  socket.hear("connect_error");
  expect(listener.refused).toHaveBeenCalledWith("signed-out");
});

test("a guest who has to wait joins again when somebody lets them in", async () => {
  socket.answers.join = { error: "not-admitted" };
  socket.connect();
  await turn();
  expect(listener.atDoor).toHaveBeenCalledTimes(1);
  expect(listener.refused).not.toHaveBeenCalled();
  socket.answers.join = JOINED;
  socket.hear("admitted", {});
  await turn();
  expect(listener.joined).toHaveBeenCalledTimes(1);
});

test("leaving is said before the line is cut", async () => {
  socket.connect();
  await turn();
  await room.leave();
  expect(socket.named("leave")).toHaveLength(1);
  expect(socket.connected).toBe(false);
});

test("where the room is in another process it goes there, and anywhere once nobody answers", async () => {
  socket.connect();
  await turn();
  socket.active = false;
  const elsewhere = Object.assign(new Error("elsewhere"), { data: { process: "two" } });
  socket.hear("connect_error", elsewhere);
  expect(socket.io.opts.query).toEqual({ room: "c", process: "two" });
  expect(listener.refused).not.toHaveBeenCalled();
  socket.active = true;
  socket.hear("connect_error", new Error("nobody"));
  expect(socket.io.opts.query).toEqual({ room: "c" });
});
