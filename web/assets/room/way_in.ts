// The way into a room, begun while the browser still asks for the camera: that takes as long as the way to the server.
import { persistently } from "../persistently";
import { openRoomSocket, RoomClient, type RoomListener, type RoomSocket, type Where } from "../rtc/room_client";
import type { Begin } from "../rtc/way";

export class WayIn {
  readonly #early: RoomSocket;
  #isLost = false;
  #coming?: Promise<Begin>;

  /** `ways`: where the program is that only who is in the room needs. */
  constructor(
    private readonly where: Where,
    private readonly ways: readonly string[],
    private readonly options: { asGuest: boolean },
  ) {
    this.#early = openRoomSocket(where, options);
    // Until the socket stands the line is its own.
    this.#early.once("connect", () => void this.begins());
    for (const event of ["connect_error", "disconnect"] as const) {
      this.#early.once(event, () => {
        this.#isLost = true;
      });
    }
  }

  /** What begins the ways that sound and pictures take. */
  begins(): Promise<Begin> {
    this.#coming ??= persistently(this.ways, () => import("../rtc/ways")).then(({ begin }) => begin);
    return this.#coming;
  }

  /** Go in. */
  enter(listener: RoomListener): RoomClient {
    return new RoomClient(this.where, listener, this.#isLost ? openRoomSocket(this.where, this.options) : this.#early);
  }

  /** Nobody goes in. */
  close(): void {
    this.#early.disconnect();
  }
}
