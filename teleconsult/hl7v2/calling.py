"""A message to another system over MLLP (HL7 transport specification R1), and the one answer that is to it.

One connection a message: it is closed whatever happens, so that an answer that comes late reaches nobody. Only an
acknowledgment whose MSA-2 is our MSH-10 is ours; any other is read past.
"""

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from typing import Final

from teleconsult.hl7v2.reading import Fault, Message, read_message

CONNECT: Final = 10.0
"""Seconds to connect, TLS and all."""
ANSWER: Final = 30.0
"""Seconds from the last byte we wrote to the answer."""
LARGEST_ANSWER: Final = 256 * 1024
MOST_OTHERS: Final = 20
"""Messages that are not to ours."""
_START, _END = b"\x0b", b"\x1c\r"


class NotSent(Exception):
    """Nothing was written: there is no connection. `cause` is what the library raised."""


class Unanswered(Exception):
    """It was written, at least in part, and no answer came: it may have arrived."""

    def __init__(self, *, is_silent: bool) -> None:
        super().__init__("silent" if is_silent else "lost")
        self.is_silent = is_silent


@dataclass(frozen=True, slots=True)
class Line:
    """Where to: an address that was checked, and the name that its certificate must have."""

    address: str
    port: int
    host: str
    tls: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """MSA-1 (HL7 table 0008), and what was said with it."""

    code: str
    said: str
    content: bytes


async def ask(line: Line, content: bytes, *, control_id: str, within: float = ANSWER) -> Answer:
    """Send it and wait for the answer to it. Raises NotSent and Unanswered."""
    try:
        async with asyncio.timeout(CONNECT):
            reader, writer = await asyncio.open_connection(
                line.address,
                line.port,
                ssl=line.tls,
                server_hostname=line.host if line.tls else None,
                limit=LARGEST_ANSWER,
            )
    except (OSError, TimeoutError) as error:
        raise NotSent from error
    try:
        async with asyncio.timeout(within):
            writer.write(_START + content + _END)
            await writer.drain()
            return await _answer(reader, control_id)
    except TimeoutError as error:
        raise Unanswered(is_silent=True) from error
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, EOFError) as error:
        raise Unanswered(is_silent=False) from error
    finally:
        writer.transport.abort()
        with contextlib.suppress(Exception):
            await writer.wait_closed()


async def _answer(reader: asyncio.StreamReader, control_id: str) -> Answer:
    for _other in range(MOST_OTHERS):
        await reader.readuntil(_START)
        content = (await reader.readuntil(_END))[:-2]
        with contextlib.suppress(Fault):
            message = read_message(content)
            told = next(message.all("MSA"), None)
            if told is not None and told.text(2) == control_id:
                return Answer(told.text(1), _said(message), content)
    raise EOFError("answers to others only")


def _said(message: Message) -> str:
    """What was wrong, in the words of the one who answers: of ERR, else of MSA-3."""
    told = [
        " ".join(filter(None, (error.text(3), error.text(3, 2), error.text(8) or error.text(7))))
        for error in message.all("ERR")
    ]
    told += [segment.text(3) for segment in message.all("MSA")]
    return "; ".join(filter(None, told))
