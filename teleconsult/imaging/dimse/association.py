"""One association as its acceptor: established, asked to store or commit or echo, released (PS3.8 §9.2, PS3.7 §9.1).

Nothing here waits without an end, and nothing of what comes is held beyond a bound. What PDUs and commands look like
is pynetdicom's to know; its own server has no such bounds, so its connections are not used (ADR 15).
"""

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Final

import structlog

from teleconsult.imaging.commitment.models import StorageCommitment
from teleconsult.imaging.dimse.arriving import ArrivingFile, arrival_folder, file_head
from teleconsult.imaging.dimse.committing import LARGEST_REQUEST, Reports
from teleconsult.imaging.dimse.messages import (
    LONGEST_COMMAND,
    Answer,
    Command,
    Operation,
    Status,
    encoded_answer,
    read_command,
)
from teleconsult.imaging.dimse.negotiating import STORED, VERIFICATION, Context, Rejection, agree, read_proposal
from teleconsult.imaging.dimse.pdus import (
    Broken,
    Fragment,
    Kind,
    Reason,
    abort,
    acknowledge_at_once,
    fragments_in,
    read_pdu,
    released,
)
from teleconsult.imaging.dimse.recognising import Hall, Visitor
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import Refusal
from teleconsult.imaging.uids import is_uid

ARTIM: Final = 15.0
"""Seconds until the association must have been asked for whole (PS3.8 §9.1.4)."""
UNTIL_HUNG_UP: Final = 2.0  # seconds, after somebody was sent away
IDLE: Final = 120.0  # between messages
WITHIN: Final = 60.0  # for a PDU once begun, and between those of one message
WHOLE: Final = 4 * 3600.0  # for an association

LEAST_ROOM: Final = 512 * 1024**2
"""Bytes free on the disk, below which nothing more is taken."""

HUNG_UP: Final = (TimeoutError, OSError, asyncio.IncompleteReadError)
"""What ends a connection without a word: silence, a lost line."""

log = structlog.get_logger(__name__)


class Released(Exception):
    """The other side is done, or has aborted."""


class Association:
    """A connection, from its first byte to its last."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, hall: Hall) -> None:
        self._reader, self._writer, self._hall = reader, writer, hall
        self._contexts: Mapping[int, Context] = {}
        self._longest_answer = 0
        self.is_between_messages = True
        """Whether nothing is lost by ending it now."""

    async def serve(self) -> None:
        """Until it is released, broken off, or too slow."""
        try:
            async with asyncio.timeout(WHOLE):
                visitor = await self._establish()
                if visitor is None:
                    return
                async with visitor.seat(), arrival_folder(self._hall.data) as folder:
                    await self._converse(visitor, folder)
        except Released:
            return
        except Broken as broken:
            log.info("dimse.broken", reason=broken.reason.name)
            self._abort(broken.reason)
        except HUNG_UP as error:
            log.info("dimse.hung_up", kind=type(error).__name__)
            self._abort(Reason.UNSPECIFIED)
        except Exception as error:
            log.error("dimse.failed", kind=type(error).__name__)  # noqa: TRY400  (a traceback may quote what was sent)
            self._abort(Reason.UNSPECIFIED)

    def _abort(self, reason: Reason) -> None:
        """Say so where there still is somebody to hear it: uvloop raises where asyncio's own loop keeps silent."""
        if not self._writer.is_closing():
            self._writer.write(abort(reason))

    async def _establish(self) -> Visitor | None:
        """Who is at the other end; None where they were told that they may not come in."""
        async with asyncio.timeout(ARTIM):
            pdu = await read_pdu(self._reader, begin=ARTIM, within=ARTIM)
        if pdu.kind is not Kind.ASSOCIATE_RQ:
            raise Broken(Reason.UNEXPECTED_PDU)
        proposal = read_proposal(pdu)
        found = proposal.rejection or await self._hall.recognised(proposal, self._writer)
        if isinstance(found, Rejection):
            await self._send(found.encoded())
            await self._hung_up()
            return None
        accepted, self._contexts = agree(proposal)
        self._longest_answer = proposal.longest_answer
        await self._send(accepted)
        return found

    async def _hung_up(self) -> None:
        """Who asked hangs up first (PS3.8 §9.2.3, Sta13): what they were told could be lost with the line."""
        with contextlib.suppress(*HUNG_UP):
            async with asyncio.timeout(UNTIL_HUNG_UP):
                await self._reader.read(1)

    async def _converse(self, visitor: Visitor, folder: Path) -> None:
        fragments = self._fragments()
        reports, number = Reports(self._hall.desk, visitor.actor), 0
        while True:
            self.is_between_messages = True
            first = await anext(fragments)
            self.is_between_messages = False
            context_id, context, command = await self._command(first, fragments)
            number += 1
            path = folder / str(number)
            asked = None
            if command.operation is Operation.N_EVENT_REPORT_RSP:
                await reports.acknowledged(command)
                continue
            if command.operation is Operation.C_ECHO_RQ:
                is_for_it = context.sop_class == VERIFICATION
                answer = Answer(Status.SUCCESS if is_for_it else Status.CLASS_NOT_SUPPORTED)
            elif command.operation is Operation.C_STORE_RQ:
                answer = await self._store(visitor, command, context_id, fragments, path)
            else:
                answer, asked = await self._take_request(visitor, command, context_id, fragments, path)
            path.unlink(missing_ok=True)
            for pdu in encoded_answer(command, answer, context_id=context_id, longest=self._longest_answer):
                await self._send(pdu)
            if asked is not None:
                for pdu in await reports.on(asked, context_id, context, longest=self._longest_answer):
                    await self._send(pdu)
            if not await visitor.may_go_on():
                raise Broken(Reason.UNSPECIFIED)

    async def _command(self, first: Fragment, fragments: AsyncIterator[Fragment]) -> tuple[int, Context, Command]:
        context = self._contexts.get(first.context_id)
        if context is None or not first.is_command:
            raise Broken(Reason.INVALID_PARAMETER)
        content, fragment = bytearray(first.content), first
        while not fragment.is_last:
            fragment = await anext(fragments)
            content += fragment.content
            if fragment.context_id != first.context_id or not fragment.is_command or len(content) > LONGEST_COMMAND:
                raise Broken(Reason.INVALID_PARAMETER)
        return first.context_id, context, read_command(bytes(content))

    async def _store(
        self, visitor: Visitor, command: Command, context_id: int, fragments: AsyncIterator[Fragment], path: Path
    ) -> Answer:
        """Take the data set to the disk; where it is not wanted, let it go by: the line must be free for the next."""
        context = self._contexts[context_id]
        fault = _fault_of(command, context) or _lack_of_room(path.parent)
        head = b"" if fault else file_head(command.sop_class, command.sop_instance, context.transfer_syntax)
        arriving = ArrivingFile(path, head, limit=0 if fault else self._hall.file_limit)
        try:
            await _take(arriving, context_id, fragments)
        finally:
            await arriving.close()
        if fault:
            return fault
        if arriving.is_too_large:
            return Answer.of(Refusal.TOO_LARGE)
        announced = command.sop_class, command.sop_instance
        return await _filed(visitor, Received(path.name, path, announced, is_given=True, digest=arriving.digest))

    async def _take_request(
        self, visitor: Visitor, command: Command, context_id: int, fragments: AsyncIterator[Fragment], path: Path
    ) -> tuple[Answer, StorageCommitment | None]:
        """A request for storage commitment; what is wrong with it is said once it went by."""
        context, desk = self._contexts[context_id], self._hall.desk
        fault = desk.fault_of(command, context) or _lack_of_room(path.parent)
        head = b"" if fault else file_head(command.sop_class, command.sop_instance, context.transfer_syntax)
        arriving = ArrivingFile(path, head, limit=0 if fault else LARGEST_REQUEST)
        try:
            await _take(arriving, context_id, fragments)
        finally:
            await arriving.close()
        if fault:
            return fault, None
        if arriving.is_too_large:
            return Answer(Status.LIMITED_RESOURCES), None
        return await desk.take(visitor.actor, visitor.peer.id, path)

    async def _fragments(self) -> AsyncIterator[Fragment]:
        """Every presentation data value, in order. Raises Released at the end, wherever that comes."""
        while True:
            begin = IDLE if self.is_between_messages else WITHIN
            acknowledge_at_once(self._writer)
            pdu = await read_pdu(self._reader, begin=begin, within=WITHIN)
            if pdu.kind is Kind.DATA:
                for fragment in fragments_in(pdu.body):
                    yield fragment
            elif pdu.kind is Kind.RELEASE_RQ and self.is_between_messages:
                await self._send(released())
                raise Released
            elif pdu.kind is Kind.ABORT:
                raise Released
            else:
                raise Broken(Reason.UNEXPECTED_PDU)

    async def _send(self, pdu: bytes) -> None:
        self._writer.write(pdu)
        async with asyncio.timeout(WITHIN):
            await self._writer.drain()


async def _take(arriving: ArrivingFile, context_id: int, fragments: AsyncIterator[Fragment]) -> None:
    async for fragment in fragments:
        if fragment.context_id != context_id or fragment.is_command:
            raise Broken(Reason.INVALID_PARAMETER)
        await arriving.add(fragment.content)
        if fragment.is_last:
            return


async def _filed(visitor: Visitor, file: Received) -> Answer:
    try:
        arrival = await visitor.file(file)
    except Exception as error:
        # Whatever it was, the sender must know that nothing was kept, and its content must not reach a log.
        log.error("dimse.failed", kind=type(error).__name__)  # noqa: TRY400  (a traceback may quote what was sent)
        return Answer(Status.PROCESSING_FAILURE, "It could not be kept here. Send it again later.")
    return Answer.of(arrival.refusal)


def _fault_of(command: Command, context: Context) -> Answer | None:
    if not (is_uid(command.sop_class) and is_uid(command.sop_instance)):
        return Answer(Status.INVALID_INSTANCE, "The SOP class or instance UID is none.")
    if command.sop_class != context.sop_class or command.sop_class not in STORED:
        return Answer(Status.CLASS_NOT_SUPPORTED, "Not the SOP class of this presentation context.")
    return None


def _lack_of_room(folder: Path) -> Answer | None:
    if shutil.disk_usage(folder).free < LEAST_ROOM:
        return Answer(Status.OUT_OF_RESOURCES, "There is no room left for files.")
    return None
