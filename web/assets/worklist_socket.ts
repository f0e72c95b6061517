// Listens at `/worklist` without a whole Socket.IO client (12 KB, a fifth of the first page): the browser sends nothing
// there. An Engine.IO 4 packet begins with a digit (0 open, 2 ping, 3 pong, 4 message), a Socket.IO 5 message with a
// second one (0 connected, 1 disconnected, 2 event, 4 refused) and its namespace.
import type { Changed } from "./protocol.gen";

const NAMESPACE = "/worklist,";
const LONGEST_WAIT_MS = 30_000;
const BLOCKED_AFTER = 3;

/** What the server changed; `null`: something may have been missed, so look at everything. */
export type Listener = (change: Changed | null) => void;

export class WorklistSocket {
  #socket: WebSocket | null = null;
  #retry?: ReturnType<typeof setTimeout>;
  #watchdog?: ReturnType<typeof setTimeout>;
  #patience = 60_000;
  #failures = 0;
  #wasOpen = false;

  constructor(
    private readonly url: string,
    private readonly listener: Listener,
  ) {}

  /** Connect, and connect again after every loss until `close`. */
  open(): void {
    clearTimeout(this.#retry);
    const socket = new WebSocket(`${this.url}?EIO=4&transport=websocket`);
    socket.onmessage = (event) => this.#take(String(event.data));
    socket.onclose = () => this.#lost();
    this.#socket = socket;
  }

  /** Let go, and stay away. */
  close(): void {
    clearTimeout(this.#retry);
    clearTimeout(this.#watchdog);
    if (this.#socket) this.#socket.onclose = null;
    this.#socket?.close();
    this.#socket = null;
  }

  #take(packet: string): void {
    this.#watch();
    if (packet.startsWith("0")) this.#greet(packet);
    else if (packet === "2") this.#socket?.send("3");
    else if (packet.startsWith(`40${NAMESPACE}`)) this.#connected();
    else if (packet.startsWith(`42${NAMESPACE}`)) this.#hear(packet.slice(2 + NAMESPACE.length));
    else if (packet.startsWith(`41${NAMESPACE}`) || packet.startsWith(`44${NAMESPACE}`)) this.#socket?.close();
  }

  #greet(packet: string): void {
    const { pingInterval, pingTimeout } = JSON.parse(packet.slice(1)) as { pingInterval: number; pingTimeout: number };
    this.#patience = pingInterval + pingTimeout;
    // The first time: how old the page is, in ms, to hear whether something changed before we came to listen.
    this.#socket?.send(`40${NAMESPACE}${this.#wasOpen ? "" : JSON.stringify({ age: Math.ceil(performance.now()) })}`);
  }

  #connected(): void {
    this.#failures = 0;
    if (this.#wasOpen) this.listener(null);
    this.#wasOpen = true;
  }

  #hear(message: string): void {
    const [event, content] = JSON.parse(message) as [string, unknown];
    if (event === "changed") this.listener(content as Changed);
    // The sign-in ended: coming back by itself would only be refused.
    if (event === "bye") this.close();
  }

  /** A server that misses its own ping is gone, even if the line says nothing. */
  #watch(): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.#socket?.close(), this.#patience);
  }

  #lost(): void {
    clearTimeout(this.#watchdog);
    this.#failures += 1;
    const wait = Math.min(1000 * 2 ** (this.#failures - 1), LONGEST_WAIT_MS);
    this.#retry = setTimeout(() => this.open(), wait * (0.75 + Math.random() / 2));
    // Where sockets are blocked for good, the lists are looked at again each time one was tried.
    if (this.#failures >= BLOCKED_AFTER && navigator.onLine) this.listener(null);
  }
}
