// The room's messages over Socket.IO: joins again after every reconnect, and keeps unsent chat until it is taken. In the
// call of a team meeting the consult that is talked about changes: each has a log and a chat of its own.
import { io, XHR as Polling, type Socket, WebSocket as WebSockets } from "socket.io-client";
import {
  type ByeReason,
  type ChatLine,
  type ErrorCode,
  type FreshIce,
  type Joined,
  type Known,
  LOGGED,
  type Logged,
  type MediaOf,
  type Path,
  type PeerChanged,
  type Refusal,
  type Room,
  type RoomAsks,
  type RoomTells,
  type Showing,
  type Signal,
  type SignalFrom,
  type Stream,
} from "../protocol.gen";
import { lineTo } from "./held_line";
import { leadBack, led, placeIn } from "./led";
import { patience, spacing } from "./reconnecting";
import { SessionLog } from "./session_log";

export interface RoomListener {
  joined(reply: Joined): void;
  refused(error: ErrorCode): void;
  offline(): void;
  peer(change: PeerChanged): void;
  signal(signal: SignalFrom): void;
  media(media: MediaOf): void;
  chat(line: ChatLine): void;
  room(room: Room): void;
  /** A guest waits at the door until somebody lets them in. */
  atDoor(): void;
  /** Who is invited or at the door has changed. */
  guests(): void;
  /** The way sound and pictures take has changed, or all have changed over. */
  path(path: Path): void;
  /** What the other side shows in the images now; null: nothing. */
  showing(showing: Showing | null): void;
  bye(reason: ByeReason): void;
}

/** Where a page comes in: the room of a consult, or the call of a meeting. */
export type Where = { consult: string } | { meeting: string };

type Event = keyof RoomAsks;
/** What an event is answered with where it is taken. */
type Answer<E extends Event> = Exclude<Parameters<Parameters<RoomAsks[E]>[1]>[0], Refusal>;

export type RoomSocket = Socket<RoomTells, RoomAsks>;

/** Who listens to a kind of what is in the session's log. */
interface Ear {
  kind: string;
  take: (body: unknown) => void;
}

const PATIENCE = 8_000; // ms for an answer
const AGAIN = 2_000; // ms before joining is tried again on a connection that stands
const SHORTLY = 1_000; // ms for which a try is left alone
const BEAT = 700; // ms in which a server that is there answers, on a short line

/** Over the line that the page has opened already, where it has. */
class Lines extends WebSockets {
  override createSocket(address: string): WebSocket {
    return lineTo(address);
  }
}

/** A connection of our own: the page's other sockets come and go without it. A guest's cookie speaks only where asked to. */
export function openRoomSocket(where: Where, { asGuest = false } = {}): RoomSocket {
  return io("/room", {
    query: placeIn(where),
    ...(asGuest && { auth: { as: "guest" } }),
    transports: [Lines, Polling],
    forceNew: true,
    reconnection: false, // by ourselves: see reconnecting.ts
  });
}

export class RoomClient {
  readonly page = crypto.randomUUID();
  /** Lines that were not taken yet, and the consult each was written for. */
  readonly #unsaid = new Map<string, { text: string; consult: string | null }>();
  readonly #ears: Ear[] = [];
  #log = this.#newLog();
  /** The consult whose log that is; null between two cases of a meeting. */
  #consult: string | null;
  /** Whose call we are in. */
  #room: string | null = null;
  #joins = 0;
  #isAsking = false;
  /** Tries to reach the server since we were last in the room. */
  #tries = 0;
  #begun = 0;
  #next?: ReturnType<typeof setTimeout>;
  /** Of a message and its answer lately, ms. */
  #roundTrip: number | null = null;
  #isJoined = false;
  #isOver = false;
  #audio = false;
  #video = false;
  #streams: Stream[] = [];
  #path: Known | null = null;

  constructor(
    private readonly where: Where,
    private readonly listener: RoomListener,
    private readonly socket: RoomSocket = openRoomSocket(where),
  ) {
    this.#consult = "consult" in where ? where.consult : null;
    const joinedOnly = <T>(take: (message: T) => void) => {
      return (message: T) => {
        // What comes before the answer to `join` is in that answer.
        if (this.#isJoined) take(message);
      };
    };
    socket.on("connect", () => void this.#join());
    socket.on("disconnect", () => this.#dropped());
    socket.on("connect_error", (error) => {
      // `active` means that the server was not reached; else it has refused us.
      if (socket.active) leadBack(socket);
      else if (led(socket, error)) return this.#tryAgain();
      const why = error?.message === "too-many" ? "too-many" : "signed-out";
      if (socket.active) this.#tryAgain();
      else this.#end(() => listener.refused(why));
    });
    socket.on(
      "peer",
      joinedOnly((message) => listener.peer(message)),
    );
    socket.on(
      "signal",
      joinedOnly((message) => listener.signal(message)),
    );
    socket.on(
      "media",
      joinedOnly((message) => listener.media(message)),
    );
    for (const kind of LOGGED) {
      const take = (body: unknown, number: number) => this.#hear({ kind, body, number });
      (socket as { on(event: string, take: (body: unknown, number: number) => void): unknown }).on(kind, take);
    }
    this.hear("path", (path) => listener.path(path));
    this.hear("chat", (line) => listener.chat(line));
    this.hear("room", (room) => listener.room(room));
    socket.on(
      "guests",
      joinedOnly(() => listener.guests()),
    );
    socket.on(
      "showing",
      joinedOnly(({ showing }) => listener.showing(showing ?? null)),
    );
    socket.on("admitted", () => void this.#join());
    socket.on("moved", ({ consult }) => {
      this.#turnTo(consult ?? null);
      void this.#join();
    });
    socket.on("bye", ({ reason }) => this.#end(() => listener.bye(reason)));
    if (socket.connected)
      queueMicrotask(() => void this.#join()); // once who made us has said what they send
    else this.#giveUpAfter(patience(null));
  }

  /** Whether the server answers at once. Where it does but knows us no more, we join again. */
  async beat(): Promise<boolean> {
    if (!this.#isJoined) return performance.now() - this.#begun < PATIENCE / 2; // a busy server is no dead one
    const begun = performance.now();
    try {
      const answer = await this.socket.timeout(Math.max(BEAT, 4 * (this.#roundTrip ?? 0))).emitWithAck("beat", {});
      this.#roundTrip = performance.now() - begun;
      if ("error" in answer) void this.#join();
      return true;
    } catch {
      return false;
    }
  }

  /** The connection is dead, whatever it says of itself: have another, now. */
  reopen(): void {
    if (!this.socket.connected || this.#isOver) return;
    this.socket.disconnect();
    this.#open();
  }

  /** Where a connection is waited for, wait no longer. */
  hurry(): void {
    if (this.socket.connected || this.#isOver || this.#tries === 0) return;
    if (performance.now() - this.#begun > SHORTLY) this.#open();
  }

  /** What is signalled while messages do not go out is lost, and negotiated anew afterwards. */
  signal(signal: Signal): void {
    if (this.#isJoined) this.socket.emit("signal", signal, () => undefined);
  }

  media(audio: boolean, video: boolean, streams: Stream[]): void {
    this.#audio = audio;
    this.#video = video;
    this.#streams = streams;
    if (this.#isJoined) this.socket.emit("media", { audio, video, streams }, () => undefined);
  }

  /** The path this page is on, told again with each `join`. */
  setPath({ number, way }: Path): void {
    this.#path = { number, way };
  }

  /** Write a line; it is sent again after an outage until it is taken, and comes back through `chat`. */
  say(text: string): void {
    const id = crypto.randomUUID();
    this.#unsaid.set(id, { text, consult: this.#consult });
    void this.#send(id, text);
  }

  /** Send any other message; null where it was refused, or nobody answered in time. */
  async ask<E extends Event>(event: E, message: Parameters<RoomAsks[E]>[0]): Promise<Answer<E> | null> {
    if (!this.#isJoined) return null;
    // One union of all events is more than Socket.IO's types can follow.
    const socket = this.socket.timeout(PATIENCE) as unknown as {
      emitWithAck(event: E, message: Parameters<RoomAsks[E]>[0]): Promise<Answer<E> | Refusal>;
    };
    return settled(socket.emitWithAck(event, message));
  }

  /** Hear what only a part of the page has a use for. Before `join` is answered nothing is heard; of what is in the
   * session's log, but for the chat, nothing is ever missed: who listens late hears what was before. */
  hear<E extends keyof RoomTells>(event: E, take: (message: Parameters<RoomTells[E]>[0]) => void): void {
    if ((LOGGED as readonly string[]).includes(event)) {
      const ear: Ear = { kind: event, take: take as (body: unknown) => void };
      for (const { body } of this.#log.of(event)) ear.take(body);
      this.#ears.push(ear);
      return;
    }
    const whenJoined = (message: unknown) => {
      if (this.#isJoined) (take as (message: unknown) => void)(message);
    };
    (this.socket as { on(event: string, take: (message: unknown) => void): unknown }).on(event, whenJoined);
  }

  /** Fresh relay credentials; null where the server does not answer. */
  async freshIce(): Promise<FreshIce | null> {
    if (!this.#isJoined) return null;
    return settled(this.socket.timeout(PATIENCE).emitWithAck("ice", {}));
  }

  /** Leave for good, telling the others. */
  async leave(): Promise<void> {
    if (this.#isJoined) await settled(this.socket.timeout(2_000).emitWithAck("leave", {}));
    this.#end(() => undefined);
  }

  /** Close without a word: the page goes away. */
  close(): void {
    this.#end(() => undefined);
  }

  /** `anew`: so much was missed that one begins from the beginning. */
  async #join({ anew = false } = {}): Promise<void> {
    if (this.#isOver) return;
    const consult = this.#consult;
    const ask = {
      ...this.where,
      ...(consult && { consult }),
      page: this.page,
      audio: this.#audio,
      video: this.#video,
      streams: this.#streams,
      ...(this.#path && { path: this.#path, room: this.#room }),
      ...(!anew && { since: this.#log.last }),
    };
    this.#joins += 1;
    const number = this.#joins;
    let reply: Joined | Refusal;
    try {
      reply = await this.socket.timeout(PATIENCE).emitWithAck("join", ask);
    } catch {
      if (this.socket.connected && number === this.#joins) setTimeout(() => void this.#join(), AGAIN);
      return;
    }
    if (this.#isOver || number !== this.#joins) return; // what was asked later says how things stand
    if ("error" in reply) {
      const { error } = reply;
      if (error === "not-admitted") this.listener.atDoor();
      else if (error === "failed" || error === "too-many") setTimeout(() => void this.#join(), AGAIN);
      else this.#end(() => this.listener.refused(error));
      return;
    }
    this.#turnTo(reply.consult ?? null);
    this.#room = reply.room;
    this.#isJoined = true;
    this.#tries = 0;
    void this.beat(); // how long a message takes: the answer to `join` took some work
    this.listener.joined(reply);
    this.#log.catchUp(reply.log);
    for (const [id, { text, consult }] of this.#unsaid) if (consult === this.#consult) void this.#send(id, text);
  }

  /** Another consult is talked about from now on: nothing of the one before is its. */
  #turnTo(consult: string | null): void {
    if (consult === this.#consult) return;
    this.#consult = consult;
    this.#log = this.#newLog();
  }

  #newLog(): SessionLog {
    return new SessionLog(({ kind, body }) => {
      for (const ear of this.#ears) if (ear.kind === kind) ear.take(body);
    });
  }

  async #send(id: string, text: string): Promise<void> {
    if (!this.#isJoined) return;
    try {
      await this.socket.timeout(PATIENCE).emitWithAck("chat", { id, text });
    } catch {
      return; // it goes out again with the next join
    }
    this.#unsaid.delete(id);
  }

  #hear(event: Logged): void {
    if (this.#log.hear(event)) void this.#askForMissed();
  }

  async #askForMissed(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const asked = this.#log;
    const log = await this.ask("missed", { since: asked.last ?? 0 });
    this.#isAsking = false;
    if (asked !== this.#log) return; // it was of another consult
    if (log?.whole) void this.#join({ anew: true });
    else if (log) this.#log.catchUp(log);
  }

  #dropped(): void {
    const was = this.#isJoined;
    this.#isJoined = false;
    if (this.#isOver) return;
    if (was) this.listener.offline();
    leadBack(this.socket);
    this.#tryAgain();
  }

  #tryAgain(): void {
    const since = this.#tries === 0 ? performance.now() : this.#begun;
    clearTimeout(this.#next);
    this.#next = setTimeout(() => this.#open(), since + spacing(this.#tries) - performance.now());
  }

  #open(): void {
    clearTimeout(this.#next);
    if (this.#isOver || this.socket.connected) return;
    this.#tries += 1;
    this.#begun = performance.now();
    this.socket.disconnect(); // what is still on its way
    this.socket.connect();
    this.#giveUpAfter(patience(this.#roundTrip));
  }

  #giveUpAfter(ms: number): void {
    this.#next = setTimeout(() => {
      if (this.socket.connected) return;
      this.socket.disconnect();
      this.#tryAgain();
    }, ms);
  }

  #end(tell: () => void): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#isJoined = false;
    clearTimeout(this.#next);
    this.socket.disconnect();
    tell();
  }
}

async function settled<T extends object>(answer: Promise<T | Refusal>): Promise<T | null> {
  try {
    const reply = await answer;
    return "error" in reply ? null : reply;
  } catch {
    return null;
  }
}
