import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { holdLine } from "./held_line";
import { openRoomSocket, type RoomSocket } from "./room_client";

const HELLO = '0{"sid":"a","upgrades":[],"pingInterval":5000,"pingTimeout":6000,"maxPayload":100000}';
const ROOM = "8f4c2a10-0000-4000-8000-000000000001";

/** Stands for the browser's WebSocket; the server's side is played by the tests. */
class Wire {
  static readonly OPEN = 1;
  static made: Wire[] = [];
  readyState = 0;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: object) => void) | null = null;
  constructor(readonly url: string) {
    Wire.made.push(this);
  }
  open(): void {
    this.readyState = 1;
    this.onopen?.();
    this.say(HELLO);
  }
  say(data: string): void {
    this.onmessage?.({ data });
  }
  send(packet: string): void {
    this.sent.push(packet);
  }
  close(): void {
    this.readyState = 3;
    this.onclose?.({});
  }
}

let socket: RoomSocket | undefined;
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

beforeEach(() => {
  vi.stubGlobal("WebSocket", Wire);
  vi.stubGlobal("location", new URL("http://here.example/consults/1/room"));
  Wire.made = [];
});

afterEach(() => {
  socket?.disconnect();
  vi.unstubAllGlobals();
});

async function comesFor(room: string): Promise<void> {
  socket = openRoomSocket({ consult: room });
  await settled();
}

test("a line that stands already is taken as it is, with what was said on it", async () => {
  holdLine(ROOM);
  const [wire] = Wire.made as [Wire];
  wire.open();
  wire.say("2");
  await comesFor(ROOM);
  expect(Wire.made).toEqual([wire]);
  expect(wire.sent, "a ping was answered, and now the room is asked for").toEqual(["3", "40/room,"]);
  wire.say("2");
  expect(wire.sent).toEqual(["3", "40/room,", "3"]);
});

test("one that is still being opened is waited for", async () => {
  holdLine(ROOM);
  await comesFor(ROOM);
  const [wire] = Wire.made as [Wire];
  expect(wire.sent).toEqual([]);
  wire.open();
  await settled();
  expect([Wire.made.length, wire.sent]).toEqual([1, ["40/room,"]]);
});

test("where it is gone meanwhile, or leads elsewhere, another is opened", async () => {
  holdLine(ROOM);
  Wire.made[0]?.close();
  await comesFor(ROOM);
  expect(Wire.made).toHaveLength(2);
  socket?.disconnect();
  holdLine("another");
  await comesFor(ROOM);
  expect(Wire.made.map(({ readyState }) => readyState)).toEqual([3, 3, 3, 0]);
});

test("it serves once: who comes back after a loss opens another", async () => {
  holdLine(ROOM);
  Wire.made[0]?.open();
  await comesFor(ROOM);
  Wire.made[0]?.close();
  socket?.connect();
  await settled();
  expect(Wire.made).toHaveLength(2);
});
