"""The other end of an association that we begin: it agrees to everything, then says what a test has it say."""

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from io import BytesIO

from pydicom.dataset import Dataset
from pynetdicom.dsutils import encode
from pynetdicom.pdu import A_ASSOCIATE_AC, A_ASSOCIATE_RJ, A_ASSOCIATE_RQ
from pynetdicom.pdu_primitives import A_ASSOCIATE, ImplementationClassUIDNotification, MaximumLengthNotification
from pynetdicom.presentation import PresentationContext

from tests.teleconsult.imaging.dimse.scanner import data

FIND, GET, STORE = 0x8020, 0x8010, 0x0001
PENDING, SUCCESS = 0xFF00, 0
RELEASED = bytes((6, 0, 0, 0, 0, 4, 0, 0, 0, 0))
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def listening(script: Script) -> AsyncIterator[int]:
    """The port of something that does this with each connection, and hangs up."""

    async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await script(reader, writer)
        writer.close()

    server = await asyncio.start_server(come, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def read_pdu(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Type and everything of the next one."""
    head = await reader.readexactly(6)
    kind, length = struct.unpack(">BxL", head)
    return kind, head + await reader.readexactly(length)


async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> list[PresentationContext]:
    """Accept all that is asked for, each in its first transfer syntax."""
    _kind, content = await read_pdu(reader)
    request = A_ASSOCIATE_RQ()
    request.decode(content)
    asked = request.to_primitive()
    answer = A_ASSOCIATE()
    answer.application_context_name = asked.application_context_name
    answer.calling_ae_title, answer.called_ae_title = asked.calling_ae_title, asked.called_ae_title
    answer.result, answer.result_source = 0, 1
    contexts = asked.presentation_context_definition_list
    for context in contexts:
        context.result, context.transfer_syntax = 0, context.transfer_syntax[:1]
    answer.presentation_context_definition_results_list = contexts
    longest, implementation = MaximumLengthNotification(), ImplementationClassUIDNotification()
    longest.maximum_length_received, implementation.implementation_class_uid = 16384, "1.2.3"
    answer.user_information = [longest, implementation]
    pdu = A_ASSOCIATE_AC()
    pdu.from_primitive(answer)
    writer.write(bytes(pdu.encode()))
    return list(contexts)


def rejection(result: int, source: int, reason: int) -> bytes:
    """An A-ASSOCIATE-RJ."""
    pdu = A_ASSOCIATE_RJ()
    pdu.result, pdu.source, pdu.reason_diagnostic = result, source, reason
    return bytes(pdu.encode())


def response(field: int, status: int, *, context: int, identifier: bytes | None = None, message: int = 1) -> bytes:
    """One response, with what it found."""
    command = Dataset()
    command.CommandField, command.MessageIDBeingRespondedTo, command.Status = field, message, status
    command.CommandDataSetType = 0x0101 if identifier is None else 1
    values = [(context, 3, encoded(command))]
    if identifier is not None:
        values.append((context, 2, identifier))
    return data(*values)


def store(sop_class: str, instance: str, content: bytes, *, context: int) -> list[bytes]:
    """A C-STORE-RQ of a data set."""
    command = Dataset()
    command.AffectedSOPClassUID, command.AffectedSOPInstanceUID = sop_class, instance
    command.CommandField, command.MessageID, command.Priority, command.CommandDataSetType = STORE, 9, 0, 1
    pieces = [content[at : at + 16000] for at in range(0, len(content), 16000)]
    return [
        data((context, 3, encoded(command))),
        *(data((context, 2 if at == len(pieces) - 1 else 0, piece)) for at, piece in enumerate(pieces)),
    ]


def encoded(ds: Dataset) -> bytes:
    """In implicit little endian."""
    written = encode(ds, True, True)
    assert written is not None
    return written


def study(uid: str, number: str, **values: str) -> bytes:
    """An answer of a C-FIND."""
    told = Dataset()
    told.StudyInstanceUID, told.PatientID, told.StudyDate = uid, number, "20260301"
    for keyword, value in values.items():
        setattr(told, keyword, value)
    return encoded(told)


def replying(*pdus: bytes, agrees: bool = True) -> Script:
    """Agree, hear the question, say these, and wait to be left."""

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if agrees:
            await agree(reader, writer)
        await read_pdu(reader)
        await _say(writer, pdus)
        while (await read_pdu(reader))[0] not in (5, 7):
            pass
        writer.write(RELEASED)

    return script


async def _say(writer: asyncio.StreamWriter, pdus: Sequence[bytes]) -> None:
    for pdu in pdus:
        writer.write(pdu)
        await writer.drain()


def data_set_of(file: bytes) -> bytes:
    """What comes after the meta information of a file."""
    (length,) = struct.unpack_from("<L", file, 140)
    return BytesIO(file).getvalue()[144 + length :]
