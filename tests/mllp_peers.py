"""Record systems at the other end of MLLP, on loopback: real sockets that answer as told, or as badly as told."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

FRAME_END = b"\x1c\r"


def acknowledgment(code: str, control_id: str, *, error: str = "") -> bytes:
    """An ACK, framed."""
    lines = ["MSH|^~\\&|DPI|HOSPITAL|TELECONSULT||20261123||ACK^T02^ACK|A1|P|2.6", f"MSA|{code}|{control_id}"]
    if error:
        lines.append(f"ERR|||{error}|E")
    return b"\x0b" + "\r".join(lines).encode() + b"\r" + FRAME_END


Answering = Callable[[str], Sequence[bytes | float | None]]
"""Of an MSH-10, what is written: bytes, seconds to wait in between, None to hang up at once."""


def accepts(control_id: str) -> Sequence[bytes | float | None]:
    """AA."""
    return [acknowledgment("AA", control_id)]


def troubled(control_id: str) -> Sequence[bytes | float | None]:
    """AE."""
    return [acknowledgment("AE", control_id, error="204^Unknown patient^HL70357")]


def refuses(control_id: str) -> Sequence[bytes | float | None]:
    """AR."""
    return [acknowledgment("AR", control_id, error="200^Unsupported message type^HL70357")]


def never(_control_id: str) -> Sequence[bytes | float | None]:
    """Nothing at all."""
    return [60.0]


def late(control_id: str) -> Sequence[bytes | float | None]:
    """AA, when nobody waits any more."""
    return [1.0, acknowledgment("AA", control_id)]


def anothers(_control_id: str) -> Sequence[bytes | float | None]:
    """AA to somebody else's message, and then nothing."""
    return [acknowledgment("AA", "SOMEBODY-ELSES"), 60.0]


def anothers_first(control_id: str) -> Sequence[bytes | float | None]:
    """One that was late for somebody else, then ours."""
    return [acknowledgment("AR", "SOMEBODY-ELSES"), acknowledgment("AA", control_id)]


def drops(_control_id: str) -> Sequence[bytes | float | None]:
    """Takes it and hangs up."""
    return [None]


def babbles(_control_id: str) -> Sequence[bytes | float | None]:
    """What is no message."""
    return [b"HTTP/1.1 400 Bad Request\r\n\r\n", None]


@dataclass
class MllpPeer:
    """One that listens; what came, whole, in its order."""

    answer: Answering = accepts
    port: int = 0
    taken: list[bytes] = field(default_factory=list)

    @property
    def address(self) -> str:
        """As an Endpoint has it."""
        return f"127.0.0.1:{self.port}"

    def fields(self, number: int, name: str) -> list[str]:
        """Of a message that came, the first segment of that name."""
        lines = self.taken[number].decode().split("\r")
        return next(line for line in lines if line.startswith(name + "|")).split("|")

    def control_ids(self) -> list[str]:
        """MSH-10 of each."""
        return [self.fields(number, "MSH")[9] for number in range(len(self.taken))]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection after the other."""
        try:
            while True:
                block = await reader.readuntil(FRAME_END)
                self.taken.append(block[1:-2])
                for step in self.answer(self.control_ids()[-1]):
                    if step is None:
                        return
                    if isinstance(step, float):
                        await asyncio.sleep(step)
                    else:
                        writer.write(step)
                        await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


@asynccontextmanager
async def mllp_peer(
    answer: Answering = accepts, *, tls: ssl.SSLContext | None = None, at: socket.socket | None = None
) -> AsyncIterator[MllpPeer]:
    """One on loopback, or `at` a socket that listens elsewhere, inside the block."""
    peer = MllpPeer(answer)
    tasks: set[asyncio.Task[None]] = set()

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        tasks.add(task)
        await peer.serve(reader, writer)
        tasks.discard(task)

    sock = at or socket.create_server(("127.0.0.1", 0))
    server = await asyncio.start_server(come, sock=sock, ssl=tls, limit=16 * 1024 * 1024)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
