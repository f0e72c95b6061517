import { beforeEach, expect, test, vi } from "vitest";
import type { Looking, Welcome } from "../../protocol.gen";
import { FakeSocket } from "../../rtc/fake_socket";
import { LookingClient, type LookingListener, type LookingSocket } from "./looking_client";

const PLACE = { study: "s", consult: "c" };
const WELCOME: Welcome = { me: "me", together: { people: [] }, marks: [] };
const HERE: Looking = {
  series: "1",
  sop: "1.1",
  frame: 1,
  view: { zoom: 1, x: 5, y: 5, turn: 0 },
  inverted: false,
};

let socket: FakeSocket;
let listener: Record<keyof LookingListener, ReturnType<typeof vi.fn>>;
let client: LookingClient;

beforeEach(() => {
  vi.useFakeTimers();
  socket = new FakeSocket({ join: WELCOME, look: { ok: "yes" }, point: { ok: "yes" }, seen: { ok: "yes" } });
  const names = ["welcome", "together", "look", "point", "marks", "offline", "over"] as const;
  listener = Object.fromEntries(names.map((name) => [name, vi.fn()])) as typeof listener;
  client = new LookingClient(PLACE, listener as unknown as LookingListener, socket as unknown as LookingSocket);
});

async function inside(): Promise<void> {
  socket.connect();
  await vi.advanceTimersByTimeAsync(0);
}

test("it comes again after every reconnect and is told where it stands", async () => {
  await inside();
  socket.connected = false;
  socket.hear("disconnect");
  expect(listener.offline).toHaveBeenCalledOnce();
  await inside();
  expect(socket.named("join")).toEqual([PLACE, PLACE]);
  expect(listener.welcome).toHaveBeenCalledTimes(2);
});

test("nothing goes out, and nothing is heard, before it is in and while the line is broken", async () => {
  client.present(HERE);
  client.follow(false);
  expect(await client.look(HERE)).toBeNull();
  socket.hear("look", { looking: HERE });
  await inside();
  socket.hear("disconnect");
  expect(await client.point(null)).toBeNull();
  socket.hear("point", {});
  expect(socket.sent.map(([event]) => event)).toEqual(["join"]);
  expect([listener.look.mock.calls, listener.point.mock.calls]).toEqual([[], []]);
});

test("what is heard is handed on", async () => {
  await inside();
  socket.hear("look", { looking: HERE });
  socket.hear("point", {});
  socket.hear("together", { people: [] });
  socket.hear("marks", { marks: [] });
  expect(listener.look).toHaveBeenCalledWith(HERE);
  expect(listener.point).toHaveBeenCalledWith(null);
  expect(listener.marks).toHaveBeenCalledWith([]);
  expect(listener.together).toHaveBeenCalledWith({ people: [] });
  expect(await client.look(HERE)).toEqual({ ok: "yes" });
});

test("it says how much has arrived, a few times a second, and begins anew after a reconnect", async () => {
  await inside();
  for (let at = 0; at < 40; at++) socket.hear("look", { looking: HERE });
  await vi.advanceTimersByTimeAsync(500);
  const said = socket.named("seen") as { count: number }[];
  expect(said.length).toBeLessThan(8);
  expect(said.at(-1)).toEqual({ count: 40 });
  socket.hear("disconnect");
  await inside();
  socket.hear("point", {});
  await vi.advanceTimersByTimeAsync(500);
  expect(socket.named("seen").at(-1)).toEqual({ count: 1 });
});

test("a server in trouble is asked again, one that refuses is not", async () => {
  socket.answers.join = { error: "failed" };
  await inside();
  socket.answers.join = WELCOME;
  await vi.advanceTimersByTimeAsync(2000);
  expect(listener.welcome).toHaveBeenCalledOnce();
  socket.answers.join = { error: "not-found" };
  await inside();
  expect([listener.over.mock.calls.length, socket.connected]).toEqual([1, false]);
});

test("no answer at all is asked for again", async () => {
  socket.answers.join = undefined;
  await inside();
  socket.answers.join = WELCOME;
  await vi.advanceTimersByTimeAsync(2000);
  expect(listener.welcome).toHaveBeenCalledOnce();
});

test("a good-bye ends it for good", async () => {
  await inside();
  socket.hear("bye", { reason: "ended" });
  await vi.advanceTimersByTimeAsync(5000);
  expect([listener.over.mock.calls.length, listener.offline.mock.calls.length]).toEqual([1, 0]);
  expect(socket.named("join")).toHaveLength(1);
});

test("closing says nothing", async () => {
  await inside();
  client.close();
  expect([socket.connected, listener.over.mock.calls, listener.offline.mock.calls]).toEqual([false, [], []]);
});
