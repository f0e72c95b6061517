import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { WorklistSocket } from "./worklist_socket";

const HELLO = '0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":100000}';
const CONNECTED = '40/worklist,{"sid":"b"}';

/** Stands for the browser's WebSocket; the server's side is played by the tests. */
class Wire {
  static made: Wire[] = [];
  sent: string[] = [];
  onmessage?: (event: { data: string }) => void;
  onclose: (() => void) | null = null;
  constructor(readonly url: string) {
    Wire.made.push(this);
  }
  static get last(): Wire {
    const wire = Wire.made.at(-1);
    if (!wire) throw new Error("no socket was opened");
    return wire;
  }
  send(packet: string): void {
    this.sent.push(packet);
  }
  say(...packets: string[]): void {
    for (const data of packets) this.onmessage?.({ data });
  }
  close(): void {
    this.onclose?.();
  }
}

const listener = vi.fn();
let socket: WorklistSocket;

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Wire);
  Wire.made = [];
  listener.mockReset();
  socket = new WorklistSocket("ws://here/socket.io/", listener);
  socket.open();
});

afterEach(() => {
  socket.close();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("it connects to the namespace and answers pings", () => {
  expect(Wire.last.url).toBe("ws://here/socket.io/?EIO=4&transport=websocket");
  Wire.last.say(HELLO, CONNECTED, "2", "2");
  expect(Wire.last.sent).toEqual([expect.stringMatching(/^40\/worklist,/), "3", "3"]);
  expect(listener, "the server says whether something was missed").not.toHaveBeenCalled();
});

test("it says how old the page is until it was let in once, and looks by itself afterwards", () => {
  vi.spyOn(performance, "now").mockReturnValue(1200.4);
  Wire.last.say(HELLO);
  Wire.last.close();
  vi.advanceTimersByTime(1500);
  Wire.last.say(HELLO, CONNECTED);
  const greetings = Wire.made.map((wire) => wire.sent[0]);
  expect(greetings).toEqual(['40/worklist,{"age":1201}', '40/worklist,{"age":1201}']);
  Wire.last.close();
  vi.advanceTimersByTime(1500);
  Wire.last.say(HELLO, CONNECTED);
  expect(Wire.last.sent).toEqual(["40/worklist,"]);
  vi.restoreAllMocks();
});

test("a hint is passed on", () => {
  Wire.last.say(HELLO, CONNECTED, '42/worklist,["changed",{"what":"consult","stamp":"1","id":"7"}]');
  expect(listener).toHaveBeenCalledExactlyOnceWith({ what: "consult", stamp: "1", id: "7" });
});

test("after a loss it comes back, and says that something may have been missed", () => {
  Wire.last.say(HELLO, CONNECTED);
  Wire.last.close();
  vi.advanceTimersByTime(1500);
  expect(Wire.made).toHaveLength(2);
  Wire.last.say(HELLO, CONNECTED);
  expect(listener).toHaveBeenCalledExactlyOnceWith(null);
});

test("a server that misses its own ping is taken for gone", () => {
  Wire.last.say(HELLO, CONNECTED);
  vi.advanceTimersByTime(44_999);
  expect(Wire.made).toHaveLength(1);
  vi.advanceTimersByTime(2000);
  expect(Wire.made).toHaveLength(2);
});

test("an ended sign-in is the end", () => {
  Wire.last.say(HELLO, CONNECTED, '42/worklist,["bye",{"reason":"signed-out"}]');
  vi.advanceTimersByTime(120_000);
  expect(Wire.made).toHaveLength(1);
});

test("a refusal is tried again, ever more rarely", () => {
  for (let tries = 0; tries < 12; tries += 1) {
    Wire.last.say(HELLO, '44/worklist,{"message":"failed"}');
    vi.advanceTimersByTime(40_000);
  }
  expect(Wire.made.length).toBeGreaterThan(10);
  expect(Wire.made.length).toBeLessThan(25);
});

test("where sockets are blocked, every try is a look", () => {
  for (let tries = 0; tries < 3; tries += 1) {
    Wire.last.close();
    vi.advanceTimersByTime(6000);
  }
  expect(listener).toHaveBeenCalledExactlyOnceWith(null);
});

test("closed, it stays away", () => {
  Wire.last.say(HELLO, CONNECTED);
  socket.close();
  vi.advanceTimersByTime(120_000);
  expect(Wire.made).toHaveLength(1);
});
