"""A client of HTTP/1.1 that costs next to nothing, and what the other side's processes used: so that it is measured."""

import asyncio
import itertools
import re
import statistics
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

LENGTH: Final = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CHUNKED: Final = re.compile(rb"\r\ntransfer-encoding: *chunked", re.IGNORECASE)
PATIENCE: Final = 60.0
"""Seconds for an answer."""


class Line(asyncio.Protocol):
    """One connection that is kept: one request after the other."""

    _answer: asyncio.Future[bytes]

    def __init__(self) -> None:
        self._got = b""

    async def ask(self, request: bytes) -> bytes:
        """The head of the answer. Raises ConnectionError, TimeoutError."""
        self._answer = asyncio.get_running_loop().create_future()
        self._got = b""
        self.transport.write(request)
        return await asyncio.wait_for(self._answer, PATIENCE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Until the answer is whole."""
        self._got += data
        head, end, body = self._got.partition(b"\r\n\r\n")
        if not end:
            return
        length = LENGTH.search(head)
        is_whole = len(body) >= int(length[1]) if length else bool(CHUNKED.search(head)) and body.endswith(b"0\r\n\r\n")
        if is_whole and not self._answer.done():
            self._answer.set_result(head)

    def connection_lost(self, _error: Exception | None) -> None:
        """Who waits is told."""
        if hasattr(self, "_answer") and not self._answer.done():
            self._answer.set_exception(ConnectionError("hung up"))


def get(path: str, port: int, **headers: str) -> bytes:
    """A request as a browser on this machine writes it."""
    told = {"Host": f"127.0.0.1:{port}", "Accept-Encoding": "gzip, br", **headers}
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in told.items())
    return f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode()


@dataclass(slots=True)
class Asked:
    """What asking one thing took: seconds of each answer, of the clock, and of whose processor."""

    waits: list[float] = field(default_factory=list)
    clock: float = 0.0
    server: float = 0.0
    database: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.waits) / self.clock

    @property
    def milliseconds(self) -> tuple[float, float]:
        """Of the server's processor, and the database's, for an answer."""
        return self.server / len(self.waits) * 1000, self.database / len(self.waits) * 1000

    def within(self, hundredth: int) -> float:
        """Milliseconds in which so many of a hundred were answered."""
        return statistics.quantiles(self.waits, n=100)[hundredth - 1] * 1000


async def keep_asking(asked: Asked, port: int, requests: Sequence[bytes], *, at_once: int, seconds: float) -> None:
    """Over so many connections, in turn, each as soon as it was answered. Raises AssertionError for what is not 200."""
    loop, end, turns = asyncio.get_running_loop(), time.perf_counter() + seconds, itertools.cycle(requests)

    async def ask() -> None:
        transport, line = await loop.create_connection(Line, "127.0.0.1", port)
        while (began := time.perf_counter()) < end:
            head = await line.ask(next(turns))
            assert head.startswith(b"HTTP/1.1 200"), head[:300]
            asked.waits.append(time.perf_counter() - began)
        transport.close()

    began = time.perf_counter()
    await asyncio.gather(*(ask() for _ in range(at_once)))
    asked.clock += time.perf_counter() - began


def processor(processes: Iterable[psutil.Process]) -> float:
    """Seconds that they and what they started have used, their own and the system's for them."""
    total = 0.0
    for process in processes:
        for one in _with_children(process):
            with suppress(psutil.NoSuchProcess):
                times = one.cpu_times()
                total += times.user + times.system
        with suppress(psutil.NoSuchProcess):
            ended = process.cpu_times()
            total += ended.children_user + ended.children_system
    return total


def _with_children(process: psutil.Process) -> Sequence[psutil.Process]:
    with suppress(psutil.NoSuchProcess):
        return [process, *process.children(recursive=True)]
    return []


def postmaster(cluster: Path) -> psutil.Process:
    """Of a PostgreSQL that runs over that folder."""
    return psutil.Process(int((cluster / "postmaster.pid").read_text().splitlines()[0]))
