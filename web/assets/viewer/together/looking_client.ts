// The messages of looking together over Socket.IO: comes again after every reconnect, and asks where it stands.
import { io, type Socket } from "socket.io-client";
import type {
  Come,
  Done,
  DrawnMark,
  Looking,
  LookingAsks,
  LookingTells,
  Refusal,
  Spot,
  Together,
  Welcome,
} from "../../protocol.gen";

import { leadBack, led, placeIn } from "../../rtc/led";
import { Pace } from "./pace";

export interface LookingListener {
  /** We are in; comes again after each reconnect. */
  welcome(reply: Welcome): void;
  together(together: Together): void;
  look(looking: Looking): void;
  point(spot: Spot | null): void;
  /** What who presents has measured and not kept. */
  marks(marks: DrawnMark[]): void;
  offline(): void;
  /** The study can be looked at together no longer. */
  over(): void;
}

export type LookingSocket = Socket<LookingTells, LookingAsks>;

const PATIENCE = 8_000; // ms for an answer
const AGAIN = 2_000; // ms before coming is tried again on a connection that stands

export function openLookingSocket(place: { consult: string }): LookingSocket {
  return io("/looking", {
    query: placeIn(place),
    transports: ["websocket", "polling"],
    forceNew: true,
    reconnectionDelay: 500,
    reconnectionDelayMax: 7_000,
    randomizationFactor: 0.5,
    timeout: PATIENCE,
  });
}

export class LookingClient {
  readonly #seen = new Pace<number>((count) => this.#asked().emitWithAck("seen", { count }));
  /** How many moves of the others have arrived since we came. */
  #count = 0;
  #isIn = false;
  #isOver = false;

  constructor(
    private readonly place: Come,
    private readonly listener: LookingListener,
    private readonly socket: LookingSocket = openLookingSocket(place),
  ) {
    const inside = <T>(take: (message: T) => void) => {
      return (message: T) => {
        // What comes before the answer to `join` is in that answer.
        if (this.#isIn) take(message);
      };
    };
    /** Who says what they have seen is sent no more than they can take. */
    const move = <T>(take: (message: T) => void) =>
      inside((message: T) => {
        take(message);
        this.#seen.put(++this.#count);
      });
    socket.on("connect", () => void this.#come());
    socket.on("disconnect", () => this.#dropped());
    // `active` means that the client tries again by itself; else the server has refused us.
    socket.on("connect_error", (error) => {
      if (socket.active) leadBack(socket);
      else if (led(socket, error)) setTimeout(() => this.#isOver || socket.disconnect().connect(), AGAIN / 4);
      else this.#end();
    });
    socket.on(
      "together",
      inside((together) => listener.together(together)),
    );
    socket.on(
      "look",
      move(({ looking }) => listener.look(looking)),
    );
    socket.on(
      "point",
      move(({ spot }) => listener.point(spot ?? null)),
    );
    socket.on(
      "marks",
      move(({ marks }) => listener.marks(marks)),
    );
    socket.on("bye", () => this.#end());
    if (socket.connected) void this.#come();
  }

  /** Show what one looks at; with null, no more. */
  present(looking: Looking | null): void {
    if (this.#isIn) this.socket.emit("present", { looking }, () => undefined);
  }

  follow(on: boolean): void {
    if (this.#isIn) this.socket.emit("follow", { on }, () => undefined);
  }

  look(looking: Looking): Promise<Done | Refusal | null> {
    return this.#isIn ? this.#asked().emitWithAck("look", { looking }) : Promise.resolve(null);
  }

  point(spot: Spot | null): Promise<Done | Refusal | null> {
    return this.#isIn ? this.#asked().emitWithAck("point", { spot }) : Promise.resolve(null);
  }

  marks(marks: DrawnMark[]): Promise<Done | Refusal | null> {
    return this.#isIn ? this.#asked().emitWithAck("marks", { marks }) : Promise.resolve(null);
  }

  close(): void {
    this.#isOver = true;
    this.#isIn = false;
    this.socket.disconnect();
  }

  #asked() {
    return this.socket.timeout(PATIENCE);
  }

  async #come(): Promise<void> {
    if (this.#isOver) return;
    let reply: Welcome | Refusal;
    try {
      reply = await this.#asked().emitWithAck("join", this.place);
    } catch {
      this.#comeAgain();
      return;
    }
    if (this.#isOver) return;
    if (!("error" in reply)) {
      this.#isIn = true;
      this.#count = 0;
      this.#seen.clear();
      this.listener.welcome(reply);
    } else if (reply.error === "failed" || reply.error === "too-many") this.#comeAgain();
    else this.#end();
  }

  #comeAgain(): void {
    setTimeout(() => {
      if (this.socket.connected && !this.#isIn) void this.#come();
    }, AGAIN);
  }

  #dropped(): void {
    const was = this.#isIn;
    this.#isIn = false;
    this.#seen.clear();
    if (!this.#isOver && was) this.listener.offline();
  }

  #end(): void {
    if (this.#isOver) return;
    this.close();
    this.listener.over();
  }
}
