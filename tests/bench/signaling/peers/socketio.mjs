// npm socket.io with as much to do as ours: rooms of two, a message to the other one, an answer to the sender.
import { createServer } from "node:http";
import { Server } from "socket.io";

const server = createServer();
const io = new Server(server, {
  transports: ["websocket"],
  pingInterval: 5000,
  pingTimeout: 6000,
  maxHttpBufferSize: 100_000,
});
io.of("/room").on("connection", (socket) => {
  socket.on("join", (message, answer) => {
    socket.join(message.consult);
    answer({ pid: message.page, peers: [] });
  });
  socket.on("signal", (message, answer) => {
    for (const room of socket.rooms) {
      if (room !== socket.id) {
        socket.to(room).emit("signal", { sender: message.to, description: message.description });
      }
    }
    answer({ ok: "yes" });
  });
});
server.listen(Number(process.argv[2]), "127.0.0.1");
