"""A thin, far line in front of a server: one rate for all connections, a delay each way, and one to connect.

Kinder than a real one: nothing is lost and no connection starts slowly.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

PIECE: Final = 1460
"""Bytes that travel together: what fits into a packet, so that connections share the rate fairly."""
WINDOW: Final = 32
"""Pieces of a connection that may wait in one direction, beyond those its delay holds."""

LATE: Final = 0.05
"""Seconds by which this program may wake too late: what it did not send meanwhile is made up for."""


class Lane:
    """One direction: pieces of all connections leave one after the other, at its rate."""

    def __init__(self, bits_per_second: float) -> None:
        self._bytes_per_second = bits_per_second / 8
        self._free_at = 0.0
        self.carried = 0
        """Bytes so far."""

    async def leave(self, size: int) -> None:
        """Return when so many bytes have left."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now - LATE) + size / self._bytes_per_second
        self.carried += size
        await asyncio.sleep(self._free_at - now)


class ThinLine:
    """Listens on `port` of the loopback and passes everything on to the server behind it."""

    def __init__(self, server_port: int, *, bits_per_second: float, round_trip: float) -> None:
        self._server_port, self._round_trip = server_port, round_trip
        self.up, self.down = Lane(bits_per_second), Lane(bits_per_second)
        self.whole = asyncio.Event()
        """Nothing passes while it is clear; connections stay."""
        self.whole.set()
        self.port = 0
        self._connections: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection from a browser."""
        task = asyncio.create_task(self._carry(reader, writer))
        self._connections.add(task)
        task.add_done_callback(self._connections.discard)

    async def close(self) -> None:
        """End what is open."""
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._round_trip)  # the handshake, which the loopback did not need
        behind, ahead = await asyncio.open_connection("127.0.0.1", self._server_port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass(self.up, reader, ahead))
                both.create_task(self._pass(self.down, behind, writer))
        finally:
            writer.close()
            ahead.close()

    async def _pass(self, lane: Lane, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        """Pieces are delayed side by side: a long way takes longer, but carries no less."""
        travelling: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue(
            WINDOW + int(self._round_trip * lane._bytes_per_second / PIECE)
        )

        async def arrive() -> None:
            while (piece := await travelling.get()) is not None:
                due, content = piece
                await asyncio.sleep(due - asyncio.get_running_loop().time())
                await self.whole.wait()
                target.write(content)
                await target.drain()
            if target.can_write_eof():
                target.write_eof()

        async def leave() -> None:
            while content := await source.read(PIECE):
                await lane.leave(len(content))
                await travelling.put((asyncio.get_running_loop().time() + self._round_trip / 2, content))
            await travelling.put(None)

        try:
            async with asyncio.TaskGroup() as way:
                way.create_task(arrive())
                way.create_task(leave())
        except* ConnectionError:
            pass  # one side has gone: the other is told by the end of this connection


@asynccontextmanager
async def thin_line(
    server_port: int, *, bits_per_second: float = 1_000_000, round_trip: float = 0.3
) -> AsyncIterator[ThinLine]:
    """A line to a server on the loopback, on a port of its own."""
    line = ThinLine(server_port, bits_per_second=bits_per_second, round_trip=round_trip)
    listening = await asyncio.start_server(line.accept, "127.0.0.1", 0, limit=PIECE * 4)
    line.port = listening.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        listening.close()
        await line.close()
