// One socket to `/worklist` for the whole page, opened when the first element wants to know and closed after the last.
import { afterCall } from "./call_first";
import type { Changed } from "./protocol.gen";
import { type Listener, WorklistSocket } from "./worklist_socket";

const listeners = new Set<Listener>();
let socket: WorklistSocket | null = null;
// The socket stays over a Turbo visit. What is said after the next page was asked for, its elements hear when they come.
let missed: (Changed | null)[] | null = null;

document.addEventListener("turbo:visit", () => {
  missed = [];
});
document.addEventListener("turbo:load", () => {
  missed = null;
});

/** Hear of changes, and of `null` when some may have been missed. Returns how to stop. */
export function subscribe(listener: Listener): () => void {
  listeners.add(listener);
  for (const change of missed ?? []) listener(change);
  if (!socket) {
    socket = new WorklistSocket(`${location.origin.replace(/^http/, "ws")}/socket.io/`, (change) => {
      missed?.push(change);
      for (const each of listeners) each(change);
    });
    // A browser opens one line at a time to a server, and on the page of a call that of the call comes first.
    const made = socket;
    void afterCall().then(() => {
      if (socket === made) made.open();
    });
  }
  return () => {
    listeners.delete(listener);
    // A Turbo visit takes the old page's elements away just before the new page's arrive.
    setTimeout(() => {
      if (listeners.size > 0) return;
      socket?.close();
      socket = null;
    }, 1000);
  };
}
