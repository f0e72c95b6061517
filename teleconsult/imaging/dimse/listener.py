"""The door itself: connections counted, TLS with client certificates where it is set, a clean end.

A process of its own, with a bound to its memory: what hangs or floods here leaves pages and calls alone.
"""

import asyncio
import contextlib
import resource
import signal
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator
from typing import Final

from teleconsult.client_certificates import demanding_tls
from teleconsult.db import Sessions
from teleconsult.imaging.dimse.association import Association
from teleconsult.imaging.dimse.committing import Desk
from teleconsult.imaging.dimse.pdus import LONGEST_DATA, leave
from teleconsult.imaging.dimse.recognising import Hall
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings

MOST_CONNECTIONS: Final = 64
MOST_OF_ADDRESS: Final = 16
HANDSHAKE: Final = 10.0  # seconds for TLS
GRACE: Final = 5.0  # seconds for what is on its way when we stop
MEMORY: Final = 2 * 1024**3
"""Bytes the process may have of its own. Address space (RLIMIT_AS) would count what threads merely reserve."""


async def listen(settings: Settings, sessions: Sessions) -> None:
    """Serve until SIGINT or SIGTERM; what is on its way then has a few seconds to arrive."""
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    sandbox, objects = Sandbox(), Objects(open_store(settings.objects_url, settings.data))
    receiver = Receiver(sessions=sessions, objects=objects, sandbox=sandbox, file_limit=settings.upload_file_limit)
    hall = Hall(
        sessions,
        receiver,
        Desk(sessions, objects, sandbox, settings.dimse_ae_title),
        ae_title=settings.dimse_ae_title,
        data=settings.data,
        file_limit=settings.upload_file_limit,
    )
    tls = demanding_tls(settings, authority=settings.dimse_client_ca)
    try:
        async with Door(hall).opened(settings.dimse_host, settings.dimse_port or 0, tls):
            await stopped.wait()
    finally:
        await sandbox.close()


def limit_memory() -> None:
    """Have this process fail rather than the machine."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = MEMORY if hard == resource.RLIM_INFINITY else min(MEMORY, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, hard))


class Door:
    """Connections in hand."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._tasks: dict[asyncio.Task[None], Association] = {}
        self._from: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def opened(self, host: str, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[asyncio.Server]:
        """Listen inside the block. Afterwards those between two messages are told to leave, the rest a little later."""
        server = await asyncio.start_server(
            self._come,
            host,
            port,
            limit=2 * LONGEST_DATA,
            ssl=tls,
            ssl_handshake_timeout=HANDSHAKE if tls else None,
        )
        try:
            yield server
        finally:
            server.close()
            await self._close()

    async def _close(self) -> None:
        end = asyncio.get_running_loop().time() + GRACE
        told: set[asyncio.Task[None]] = set()
        while self._tasks:
            is_late = asyncio.get_running_loop().time() >= end
            for task, association in self._tasks.items():
                if task not in told and (is_late or association.is_between_messages):
                    told.add(task)
                    task.cancel()
            await asyncio.wait(self._tasks, timeout=0.05, return_when=asyncio.FIRST_COMPLETED)

    async def _come(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        address = str((writer.get_extra_info("peername") or ("",))[0])
        if task is None or len(self._tasks) >= MOST_CONNECTIONS or self._from[address] >= MOST_OF_ADDRESS:
            writer.close()
            return
        connection = writer.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        association = Association(reader, writer, hall=self._hall)
        self._tasks[task] = association
        self._from[address] += 1
        try:
            await association.serve()
        except asyncio.CancelledError:  # we are stopping, and say so
            writer.write(leave())
        finally:
            del self._tasks[task]
            self._from[address] -= 1
            self._from += Counter()  # forgets who has none left: addresses are many
            await _hang_up(writer)


async def _hang_up(writer: asyncio.StreamWriter) -> None:
    """Let what was said last go out, and close."""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.drain()
    writer.close()
