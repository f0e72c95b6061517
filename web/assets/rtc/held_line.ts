// The line to a room's server, opened while the script of the call is still on its way: to be let on a line takes three
// ways there and back, four with TLS. Whoever comes for it (room_client.ts) finds it as if just opened.

interface Held {
  address: string;
  socket: WebSocket;
  said: MessageEvent[];
}

let held: Held | null = null;

/** Open a line to that room. The server leaves it alone for ten seconds; after that nobody finds it. */
export function holdLine(room: string): void {
  const address = `${location.origin.replace(/^http/, "ws")}/socket.io/?room=${room}&EIO=4&transport=websocket`;
  const socket = new WebSocket(address);
  const line: Held = { address, socket, said: [] };
  socket.onmessage = (message) => {
    if (message.data === "2")
      socket.send("3"); // Engine.IO 4: a ping, and its answer
    else line.said.push(message);
  };
  socket.onclose = () => {
    if (held === line) held = null;
  };
  held = line;
}

/** The line that is held to that very address; else a new one. Its handlers must be set at once. */
export function lineTo(address: string): WebSocket {
  const line = held;
  held = null;
  if (line?.address !== address) {
    line?.socket.close();
    return new WebSocket(address);
  }
  const { socket, said } = line;
  socket.onmessage = null;
  socket.onclose = null;
  queueMicrotask(() => {
    if (socket.readyState === WebSocket.OPEN) socket.onopen?.(new Event("open"));
    for (const message of said) socket.onmessage?.(message);
  });
  return socket;
}
