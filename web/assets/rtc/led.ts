// Where several processes serve, a room lives in one of them. The address of a connection says which room it is for and,
// once we were told, in which process; a proxy leads it there. See "Several processes" in docs/protocol.md.
import type { Where } from "./room_client";

interface Led {
  io: { opts: { query?: Record<string, unknown> } };
}

/** What the address says first: the room alone. */
export function placeIn(where: Where | { consult: string }): { room: string } {
  return { room: "meeting" in where ? where.meeting : where.consult };
}

/** Whether the server has refused us because the room is elsewhere; then the next try goes there. */
export function led(socket: Led, error?: Error & { data?: { process?: unknown } }): boolean {
  if (error?.message !== "elsewhere") return false;
  const { process } = error.data ?? {};
  if (typeof process === "string" && process !== "") socket.io.opts.query = { ...socket.io.opts.query, process };
  return true;
}

/** Nobody answers there any more: any process may have the room now. */
export function leadBack(socket: Led): void {
  const { process: _gone, ...rest } = socket.io.opts.query ?? {};
  socket.io.opts.query = rest;
}
