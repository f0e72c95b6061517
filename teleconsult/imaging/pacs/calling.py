"""An association that we begin, as the user of C-ECHO, C-FIND, C-MOVE and C-GET (PS3.7 §9.1, PS3.4 Annex C).

What comes back is a stranger's, and bounded as at our own door: type and length of each PDU before it is kept, the
time of each wait, the size of each answer. So pynetdicom's own connections are not used here either (ADR 15).
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, Final

from pydicom.uid import UID
from pynetdicom.dimse_messages import C_ECHO_RQ, C_FIND_RQ, C_GET_RQ, C_MOVE_RQ, N_EVENT_REPORT_RQ, DIMSEMessage
from pynetdicom.dimse_primitives import C_ECHO, C_FIND, C_GET, C_MOVE, N_EVENT_REPORT
from pynetdicom.dsutils import decode
from pynetdicom.pdu import P_DATA_TF
from pynetdicom.presentation import PresentationContext

from teleconsult.imaging.dimse.messages import LONGEST_COMMAND, Answer, Command, encoded_answer, read_command
from teleconsult.imaging.dimse.negotiating import COMMITMENT, COMMITMENT_INSTANCE, VERIFICATION, Context
from teleconsult.imaging.dimse.pdus import (
    LONGEST_OF_CALLED,
    Broken,
    Fragment,
    Kind,
    Pdu,
    Reason,
    acknowledge_at_once,
    fragments_in,
    leave,
    read_pdu,
    release,
)
from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.imaging.pacs.proposing import FIND, GET, MOVE, encoded_request, read_acceptance
from teleconsult.imaging.pacs.tls import fault_in

CONNECT: Final = 10.0  # seconds, with TLS
BEGIN: Final = 60.0  # for an answer to begin, from a slow disk
WITHIN: Final = 60.0  # for the rest of a PDU, and for us to be rid of one
LONGEST_ANSWER: Final = 64 * 1024
"""Bytes of an identifier."""
_PENDING: Final = (0xFF00, 0xFF01)
_NO_DATA_SET: Final = 0x0101
_STORE_RQ: Final = 0x0001
_REJECTIONS: Final = {3: Fault.UNKNOWN_CALLER, 7: Fault.UNKNOWN_CALLED}

Take = Callable[[Command, Context, AsyncIterator[memoryview]], Awaitable[Answer]]
"""What becomes of an image that comes: it reads the data set to its end, and says what to answer."""


@dataclass(frozen=True, slots=True)
class Line:
    """Where the other end is, and how both are called."""

    address: str
    port: int
    calling: str
    called: str
    tls: ssl.SSLContext | None = None
    host: str = ""
    """The name its certificate must have."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response to what was asked, with the identifier in it."""

    status: int
    content: bytes = b""

    @property
    def is_pending(self) -> bool:
        """Whether more follow."""
        return self.status in _PENDING


@dataclass(frozen=True, slots=True)
class _Reply:
    field: int
    answers_to: int
    status: int
    has_content: bool


@asynccontextmanager
async def associated(line: Line, contexts: Sequence[PresentationContext]) -> AsyncIterator["Caller"]:
    """An association for the block: released after it, aborted where that failed. Raises PacsFault."""
    reader, writer = await _connect(line)
    try:
        with _told():
            caller = await _establish(reader, writer, line, contexts)
            yield caller
        with contextlib.suppress(TimeoutError, OSError, asyncio.IncompleteReadError, Broken):
            await caller.release()
    finally:
        writer.write(leave())
        writer.close()


class Caller:
    """An established association. One request at a time."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        accepted: Mapping[int, Context],
        longest: int,
    ) -> None:
        self._reader, self._writer, self._accepted, self._longest = reader, writer, accepted, longest
        self._messages = 0
        self._arriving = self._fragments()

    async def echo(self) -> int:
        """The status of a C-ECHO."""
        async for response in self._ask(C_ECHO_RQ(), C_ECHO(), VERIFICATION):
            return response.status
        raise Broken(Reason.UNSPECIFIED)

    def find(self, identifier: bytes) -> AsyncIterator[Response]:
        """Those of a C-FIND, with a data set in implicit little endian each."""
        return self._ask(C_FIND_RQ(), C_FIND(), FIND, Identifier=BytesIO(identifier), Priority=0)

    def get(self, identifier: bytes, take: Take) -> AsyncIterator[Response]:
        """Those of a C-GET; the images come in between."""
        return self._ask(C_GET_RQ(), C_GET(), GET, take=take, Identifier=BytesIO(identifier), Priority=0)

    def move(self, identifier: bytes, *, destination: str) -> AsyncIterator[Response]:
        """Those of a C-MOVE; the images go to the destination's own door."""
        request = C_MOVE()
        request.MoveDestination = destination
        return self._ask(C_MOVE_RQ(), request, MOVE, Identifier=BytesIO(identifier), Priority=0)

    async def report(self, event: int, information: bytes) -> int:
        """The status of an N-EVENT-REPORT of storage commitment (PS3.4 §J.3.3)."""
        request = N_EVENT_REPORT()
        request.AffectedSOPInstanceUID, request.EventTypeID = COMMITMENT_INSTANCE, event
        async for response in self._ask(
            N_EVENT_REPORT_RQ(), request, COMMITMENT, EventInformation=BytesIO(information)
        ):
            return response.status
        raise Broken(Reason.UNSPECIFIED)

    def syntax_of(self, sop_class: UID) -> str:
        """The transfer syntax that was agreed to for it. Raises PacsFault where none was."""
        return self._accepted[self.check_offers(sop_class)].transfer_syntax

    def check_offers(self, sop_class: UID) -> int:
        """The number of a context for it. Raises PacsFault where none was agreed to."""
        for number, context in self._accepted.items():
            if context.sop_class == sop_class:
                return number
        raise PacsFault(Fault.UNSUPPORTED)

    def offers(self, sop_class: UID) -> bool:
        """Whether there is one."""
        return any(context.sop_class == sop_class for context in self._accepted.values())

    async def release(self) -> None:
        """Say goodbye, and wait for the answer a little."""
        await self._send(release())
        async with asyncio.timeout(2):
            await read_pdu(self._reader, begin=2, within=2, allowed=LONGEST_OF_CALLED)

    async def _ask(
        self, message: DIMSEMessage, request: Any, sop_class: UID, *, take: Take | None = None, **given: object
    ) -> AsyncIterator[Response]:
        context_id = self.check_offers(sop_class)
        self._messages += 1
        request.MessageID, request.AffectedSOPClassUID = self._messages, sop_class
        for name, value in given.items():
            setattr(request, name, value)
        message.primitive_to_message(request)
        for primitive in message.encode_msg(context_id, self._longest):
            pdu = P_DATA_TF()
            pdu.from_primitive(primitive)
            await self._send(bytes(pdu.encode()))
        is_last = False
        while not is_last:
            number, command = await self._command()
            reply = _read(command)
            if reply.field == _STORE_RQ and take is not None:
                await self._store(number, command, take)
                continue
            if reply.field == _STORE_RQ or reply.answers_to != self._messages:
                raise Broken(Reason.UNSPECIFIED)
            response = Response(reply.status, await self._identifier(number) if reply.has_content else b"")
            is_last = not response.is_pending
            yield response

    async def _store(self, number: int, content: bytes, take: Take) -> None:
        command, context = read_command(content), self._accepted[number]
        pieces = self._data_set(number)
        answer = await take(command, context, pieces)
        async for _piece in pieces:  # what it did not want goes by
            pass
        for pdu in encoded_answer(command, answer, context_id=number, longest=self._longest):
            await self._send(pdu)

    async def _command(self) -> tuple[int, bytes]:
        fragment = await anext(self._arriving)
        number, content = fragment.context_id, bytearray()
        while True:
            content += fragment.content
            if fragment.context_id != number or not fragment.is_command or len(content) > LONGEST_COMMAND:
                raise Broken(Reason.INVALID_PARAMETER)
            if fragment.is_last:
                break
            fragment = await anext(self._arriving)
        if number not in self._accepted:
            raise Broken(Reason.INVALID_PARAMETER)
        return number, bytes(content)

    async def _identifier(self, number: int) -> bytes:
        content = bytearray()
        async for piece in self._data_set(number):
            content += piece
            if len(content) > LONGEST_ANSWER:
                raise PacsFault(Fault.TOO_MUCH)
        return bytes(content)

    async def _data_set(self, number: int) -> AsyncIterator[memoryview]:
        is_last = False
        while not is_last:
            fragment = await anext(self._arriving)
            if fragment.context_id != number or fragment.is_command:
                raise Broken(Reason.INVALID_PARAMETER)
            is_last = fragment.is_last
            yield fragment.content

    async def _fragments(self) -> AsyncIterator[Fragment]:
        while True:
            acknowledge_at_once(self._writer)
            pdu = await read_pdu(self._reader, begin=BEGIN, within=WITHIN, allowed=LONGEST_OF_CALLED)
            if pdu.kind is not Kind.DATA:
                raise PacsFault(Fault.LOST)
            for fragment in fragments_in(pdu.body):
                yield fragment

    async def _send(self, pdu: bytes) -> None:
        self._writer.write(pdu)
        async with asyncio.timeout(WITHIN):
            await self._writer.drain()


async def _connect(line: Line) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    try:
        async with asyncio.timeout(CONNECT):
            return await asyncio.open_connection(
                line.address, line.port, ssl=line.tls, server_hostname=line.host if line.tls else None
            )
    except TimeoutError as error:
        raise PacsFault(Fault.SILENT) from error
    except (ConnectionResetError, ssl.SSLEOFError) as error:
        raise PacsFault(Fault.NO_TLS if line.tls else Fault.UNREACHABLE) from error
    except OSError as error:
        raise PacsFault(fault_in(error) or Fault.UNREACHABLE) from error


async def _establish(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: Line, contexts: Sequence[PresentationContext]
) -> Caller:
    writer.write(encoded_request(calling=line.calling, called=line.called, contexts=contexts))
    try:
        await writer.drain()
        pdu = await read_pdu(reader, begin=CONNECT, within=CONNECT, allowed=LONGEST_OF_CALLED)
    except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError) as error:
        # A peer that wants another certificate says so in an alert, which its hanging up may overtake on the way.
        raise PacsFault(Fault.OUR_CERTIFICATE if line.tls else Fault.HUNG_UP) from error
    if pdu.kind is Kind.ASSOCIATE_RJ:
        raise PacsFault(_fault_of(pdu))
    if pdu.kind is not Kind.ASSOCIATE_AC:
        raise PacsFault(Fault.REJECTED if pdu.kind is Kind.ABORT else Fault.NOT_DICOM)
    try:
        accepted, longest = read_acceptance(pdu, contexts)
    except Exception as error:  # a parser of strangers' bytes raises anything; all of it means the same
        raise Broken(Reason.INVALID_PARAMETER) from error
    return Caller(reader, writer, accepted, longest)


def _fault_of(rejection: Pdu) -> Fault:
    """PS3.8 table 9-21: a reserved byte, the result, who says so, why."""
    _reserved, result, source, reason = rejection.body.ljust(4, b"\0")[:4]
    if result == 2:
        return Fault.BUSY
    return _REJECTIONS.get(reason, Fault.REJECTED) if source == 1 else Fault.REJECTED


def _read(command: bytes) -> _Reply:
    try:
        found: Any = decode(BytesIO(command), True, True)
        field, has_content = int(found.CommandField), int(found.CommandDataSetType) != _NO_DATA_SET
        if field == _STORE_RQ:
            return _Reply(field, 0, 0, has_content)
        return _Reply(field, int(found.MessageIDBeingRespondedTo), int(found.Status), has_content)
    except Exception as error:  # as above
        raise Broken(Reason.INVALID_PARAMETER) from error


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What goes wrong on the line, as the fault it is."""
    try:
        yield
    except TimeoutError as error:
        raise PacsFault(Fault.SILENT) from error
    except (OSError, asyncio.IncompleteReadError) as error:
        raise PacsFault(Fault.LOST) from error
    except Broken as error:
        raise PacsFault(Fault.NOT_DICOM) from error
