// For tests: a Socket.IO client without a server.

/** The socket as the outside world: keeps what is sent, and answers when told to. */
export class FakeSocket {
  readonly io: { opts: { query?: Record<string, unknown> } } = { opts: { query: { room: "c" } } };
  connected = false;
  active = true;
  isReachable = true;
  tries = 0;
  readonly sent: [string, unknown][] = [];
  readonly #handlers = new Map<string, (message?: unknown, number?: number) => void>();

  constructor(readonly answers: Record<string, unknown>) {}

  on(event: string, handler: (message?: unknown, number?: number) => void) {
    this.#handlers.set(event, handler);
  }
  hear(event: string, message?: unknown, number?: number) {
    this.#handlers.get(event)?.(message, number);
  }
  emit(event: string, message: unknown) {
    this.sent.push([event, message]);
  }
  timeout() {
    return {
      emitWithAck: async (event: string, message: unknown) => {
        this.sent.push([event, message]);
        const answer = this.answers[event];
        if (answer === undefined) throw new Error("operation has timed out");
        return typeof answer === "function" ? answer(message) : answer;
      },
    };
  }
  disconnect() {
    if (!this.connected) return;
    this.connected = false;
    this.hear("disconnect");
  }
  connect() {
    this.tries += 1;
    if (!this.isReachable) return;
    this.connected = true;
    this.hear("connect");
  }
  named(event: string) {
    return this.sent.filter(([name]) => name === event).map(([, message]) => message);
  }
}
