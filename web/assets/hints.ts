// One socket to `/worklist` for the whole page, opened when the first element wants to know and closed after the last.
import type { Socket } from "socket.io-client";
import type { Changed, WorklistTells } from "./protocol.gen";

type Listener = (change: Changed | null) => void;

const listeners = new Set<Listener>();
let socket: Socket<WorklistTells> | null = null;
let opening = false;

/** Hear of changes, and of `null` after each reconnect. Returns how to stop. */
export function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  void open();
  return () => {
    listeners.delete(listener);
    // A Turbo visit takes the old page's elements away just before the new page's arrive.
    setTimeout(() => {
      if (listeners.size > 0) return;
      socket?.disconnect();
      socket = null;
    }, 1000);
  };
}

async function open(): Promise<void> {
  if (socket || opening) return;
  opening = true;
  try {
    const { io } = await import("socket.io-client");
    const fresh: Socket<WorklistTells> = io("/worklist", { transports: ["websocket"], reconnectionDelayMax: 10_000 });
    let before = false;
    fresh.on("connect", () => {
      if (before) tell(null);
      before = true;
    });
    fresh.on("changed", tell);
    // The session is over, or was taken elsewhere: coming back by itself would only be refused.
    fresh.on("bye", () => fresh.disconnect());
    socket = fresh;
  } finally {
    opening = false;
  }
}

function tell(change: Changed | null): void {
  for (const listener of listeners) listener(change);
}
