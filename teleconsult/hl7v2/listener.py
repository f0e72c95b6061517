"""The door itself: MLLP (HL7 transport specification R1), with TLS and client certificates or on this machine alone.

A process of its own: what hangs or floods here leaves pages and calls alone.
"""

import asyncio
import contextlib
import signal
import ssl
from collections.abc import AsyncIterator
from ipaddress import ip_address
from typing import Final

import structlog
from hl7.mllp import HL7StreamReader, HL7StreamWriter, InvalidBlockError, start_hl7_server

from teleconsult.client_certificates import demanding_tls, fingerprint_at
from teleconsult.db import Sessions
from teleconsult.hl7v2.receiving import Connection, receive
from teleconsult.settings import Settings, SettingsError

LARGEST: Final = 2 * 1024 * 1024
"""Bytes of a message. A frame that has none of its end by then is cut off."""
IDLE: Final = 300.0  # seconds between messages
WITHIN: Final = 30.0  # seconds for a message, once begun, and for the answer
MOST_CONNECTIONS: Final = 64

HUNG_UP: Final = (
    TimeoutError,
    OSError,
    InvalidBlockError,
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
)
"""What ends a connection: silence, a lost line, a frame that is none."""

log = structlog.get_logger(__name__)


async def listen(settings: Settings, sessions: Sessions) -> None:
    """Serve until SIGINT or SIGTERM; a message that was begun is finished first.

    Raises SettingsError where anybody in the network could send.
    """
    context = tls_context(settings)
    if context is None and not ip_address(settings.mllp_host).is_loopback:
        raise SettingsError(
            "HL7 v2 without client certificates is for this machine alone: set TELECONSULT_MLLP_CLIENT_CA, "
            "TELECONSULT_TLS_CERT and TELECONSULT_TLS_KEY, or TELECONSULT_MLLP_HOST to 127.0.0.1."
        )
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Door(sessions).opened(settings.mllp_host, settings.mllp_port or 0, context):
        await stopped.wait()


def tls_context(settings: Settings) -> ssl.SSLContext | None:
    """TLS that demands a certificate of the establishments' authority; None where none is set."""
    return demanding_tls(settings, authority=settings.mllp_client_ca)


class Door:
    """Connections in hand, each with one message at a time."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None] | None] = set()
        self._is_closing = False

    @contextlib.asynccontextmanager
    async def opened(self, host: str, port: int, context: ssl.SSLContext | None) -> AsyncIterator[asyncio.Server]:
        """Listen inside the block; afterwards those whose message was read are still answered."""
        server: asyncio.Server = await start_hl7_server(self._come, host, port, limit=LARGEST, ssl=context)
        try:
            yield server
        finally:
            self._is_closing = True
            server.close()
            for task in self._tasks & self._waiting:
                task.cancel()
            await asyncio.wait_for(asyncio.gather(*self._tasks, return_exceptions=True), WITHIN)

    def _come(self, reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        if len(self._tasks) >= MOST_CONNECTIONS:
            writer.close()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: HL7StreamReader, writer: HL7StreamWriter) -> None:
        connection = Connection(fingerprint_at(writer))
        me = asyncio.current_task()
        try:
            while not self._is_closing:
                self._waiting.add(me)
                content = await _next(reader)
                self._waiting.discard(me)
                if content is None:
                    return
                writer.writeblock(await receive(self._sessions, connection, content))
                async with asyncio.timeout(WITHIN):
                    await writer.drain()
        except HUNG_UP as error:
            log.info("hl7v2.hung_up", kind=type(error).__name__)
        finally:
            self._waiting.discard(me)
            writer.close()


async def _next(reader: HL7StreamReader) -> bytes | None:
    """The bytes of the next message, None where the other side has gone. Raises for a frame that is none."""
    async with asyncio.timeout(IDLE):
        first = await reader.read(1)
    if not first:
        return None
    if first != b"\x0b":
        raise InvalidBlockError("no start of a block")
    async with asyncio.timeout(WITHIN):
        block: bytes = await reader.readuntil(b"\x1c\r")
    return block[:-2]
