"""Clients in rooms of two, and the messages they send each other."""

import asyncio
import itertools
import json
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from tests.bench.signaling.rooms import Booked
from tests.bench.signaling.servers import Process
from tests.bench.signaling.websocket import WebSocket, frame

SIZE: Final = 1024
"""Bytes of a message."""
AT_ONCE: Final = 32
"""Messages on their way while a server does as much as it can; clients that come in at a time."""
PATIENCE: Final = 120.0
"""Seconds."""
SDP: Final = "a=rtpmap:111 opus/48000/2\r\n" * 40


class Client:
    """One of two in a room; `arrived` is told how long each message took that the other one sent."""

    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.partner = self
        self.message = b""
        self.sent: deque[float] = deque()
        self.arrived: Callable[[float], None] = lambda _seconds: None

    def send(self) -> None:
        """The message, to the other one."""
        self.sent.append(time.perf_counter())
        self.socket.transport.write(self.message)

    def say(self, text: str) -> None:
        """Something else."""
        self.socket.transport.write(frame(text.encode()))

    async def hears(self, begins: bytes) -> bytes:
        """The next text that begins so."""
        while True:
            text = await asyncio.wait_for(self.socket.texts.get(), PATIENCE)
            if text.startswith(begins):
                return text
            if not text or text.startswith(b"44"):
                raise ConnectionError(text.decode() or "hung up")

    def began(self) -> None:
        """From now on only relayed messages matter."""
        self.socket.heard = self._hear

    def _hear(self, text: bytes) -> None:
        if text.startswith((b'42/room,["signal"', b'{"type":"OFFER"')):
            self.arrived(time.perf_counter() - self.partner.sent.popleft())


async def by_socketio(server: Process, room: Booked) -> tuple[Client, Client]:
    """Two who come into a room as our pages do."""
    one, other = [await by_socket(server, cookie) for cookie in room.cookies]
    return paired((one, other), [(await join(client, room)).pid for client in (one, other)])


def paired(clients: tuple[Client, Client], pids: Sequence[str]) -> tuple[Client, Client]:
    """Have two who are in the room send to each other."""
    one, other = clients
    for client, partner, pid in ((one, other, pids[1]), (other, one, pids[0])):
        client.partner = partner
        client.message = _sized(partial(_signal, pid))
        client.began()
    return one, other


async def by_peerjs(server: Process, _room: Booked) -> tuple[Client, Client]:
    """Two who know each other's ids."""
    ids = [uuid.uuid4().hex, uuid.uuid4().hex]
    clients = [await _opened(server, f"/peerjs?key=peerjs&id={one}&token=t", {}) for one in ids]
    for client, partner, to in zip(clients, clients[::-1], ids[::-1], strict=True):
        await client.hears(b'{"type":"OPEN"')
        client.partner = partner
        client.message = _sized(partial(_offer, to))
        client.began()
    return clients[0], clients[1]


async def as_fast_as_it_can(clients: Sequence[Client], messages: int) -> float:
    """Seconds until so many have arrived, a few on their way at any time, each client's turn after all others'."""
    turns, done = itertools.cycle(clients), asyncio.Event()
    left = messages

    def arrived(_seconds: float) -> None:
        nonlocal left
        left -= 1
        if left >= AT_ONCE:
            next(turns).send()
        elif left == 0:
            done.set()

    def begin() -> None:
        for _ in range(AT_ONCE):
            next(turns).send()

    began = time.perf_counter()
    await _while_told(clients, arrived, done, begin)
    return time.perf_counter() - began


async def at_a_rate(clients: Sequence[Client], a_second: int, seconds: float) -> list[float]:
    """How long each took, sorted, of so many a second."""
    turns, took, done = itertools.cycle(clients), list[float](), asyncio.Event()
    total = int(a_second * seconds)

    def arrived(lasted: float) -> None:
        took.append(lasted)
        if len(took) == total:
            done.set()

    async def send() -> None:
        began, sent = time.perf_counter(), 0
        while sent < total:
            due = min(total, int((time.perf_counter() - began) * a_second) + 1)
            for _ in range(due - sent):
                next(turns).send()
            sent = due
            await asyncio.sleep(0.001)

    sending = asyncio.create_task(send())
    await _while_told(clients, arrived, done, lambda: None)
    await sending
    return sorted(took)


async def _while_told(
    clients: Sequence[Client], arrived: Callable[[float], None], done: asyncio.Event, begin: Callable[[], None]
) -> None:
    for client in clients:
        client.arrived = arrived
    begin()
    try:
        await asyncio.wait_for(done.wait(), PATIENCE)
    except TimeoutError:
        gone = sum(client.socket.is_gone for client in clients)
        raise TimeoutError(f"not all messages arrived; {gone} clients were hung up on") from None


async def _opened(server: Process, address: str, headers: dict[str, str]) -> Client:
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(lambda: WebSocket(address, headers), "127.0.0.1", server.port)
    client = Client(socket)
    await asyncio.wait_for(socket.is_open, PATIENCE)
    return client


async def by_socket(server: Process, cookie: str) -> Client:
    """A client whose socket was let in to `/room`."""
    headers = {"Origin": f"http://127.0.0.1:{server.port}", "Cookie": f"session={cookie}"} if cookie else {}
    client = await _opened(server, "/socket.io/?EIO=4&transport=websocket", headers)
    await client.hears(b"0{")
    client.say("40/room,")
    await client.hears(b'40/room,{"sid"')
    return client


@dataclass(frozen=True, slots=True)
class Joined:
    """Who one is in a room, and the last that one has heard of its log."""

    pid: str
    last: int


async def join(client: Client, room: Booked, since: int | None = None) -> Joined:
    """Enter the room, or come back to it."""
    message = {"consult": str(room.consult), "page": str(uuid.uuid4()), "audio": True, "video": True}
    if since is not None:
        message["since"] = since
    client.say(f'42/room,1["join",{_dumped(message)}]')
    answer = json.loads((await client.hears(b"43/room,1["))[len("43/room,1") :])[0]
    return Joined(answer["pid"], answer.get("log", {"last": 0})["last"])


def _signal(to: str, sdp: str) -> str:
    return f'42/room,2["signal",{_dumped({"to": to, "description": {"type": "offer", "sdp": sdp}})}]'


def _offer(to: str, sdp: str) -> str:
    return _dumped({"type": "OFFER", "dst": to, "payload": {"sdp": sdp}})


def _sized(write: Callable[[str], str]) -> bytes:
    """The text with as much SDP as makes it a message of the size that is measured, ready to be sent."""
    most = next(length for length in range(len(SDP), 0, -1) if len(write(SDP[:length])) <= SIZE)
    return frame(write(SDP[:most]).encode())


def _dumped(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
