"""Storage commitment over the line: taken, answered, and reported on at once while the sender is still there."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.db import Sessions, transaction
from teleconsult.errors import Conflict
from teleconsult.imaging.commitment.committing import MOST, Report, note_report, report_on, take_request
from teleconsult.imaging.commitment.jobs import report_later
from teleconsult.imaging.commitment.models import StorageCommitment
from teleconsult.imaging.commitment.reporting import REQUEST, encoded_report, event_type, information
from teleconsult.imaging.dimse.messages import Answer, Command, Status
from teleconsult.imaging.dimse.negotiating import COMMITMENT, COMMITMENT_INSTANCE, Context
from teleconsult.imaging.refusals import Unreadable
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects

LARGEST_REQUEST: Final = 4 * 1024**2
"""Bytes of the data set: over 20,000 references."""
_READING_SECONDS: Final = 5


@dataclass(frozen=True, slots=True)
class Desk:
    """Where requests are taken, for all associations."""

    sessions: Sessions
    objects: Objects
    sandbox: Sandbox
    ae_title: str

    async def take(self, actor: Actor, peer_id: uuid.UUID, path: Path) -> tuple[Answer, StorageCommitment | None]:
        """What to answer to the request in that file, and what was asked where it was taken."""
        try:
            asked = (await self.sandbox.ask("commitment", path, seconds=_READING_SECONDS)).head
        except Unreadable:
            return Answer(Status.INVALID_ARGUMENT, "The request cannot be read."), None
        if len(asked["instances"]) > MOST:
            return Answer(Status.LIMITED_RESOURCES, f"Ask for {MOST} instances at most."), None
        try:
            async with transaction(self.sessions, SYSTEM) as session:
                commitment = await take_request(session, actor, peer_id=peer_id, **asked)
                await report_later(session, commitment.id)
        except Conflict:
            return Answer(Status.INVALID_ARGUMENT, "Another request has this Transaction UID."), None
        return Answer(Status.SUCCESS), commitment

    def fault_of(self, command: Command, context: Context) -> Answer | None:
        """What is wrong with the command itself (PS3.7 §10.1.4.1.10)."""
        if not command.sop_class == context.sop_class == COMMITMENT:
            return Answer(Status.NO_SUCH_CLASS)
        if command.sop_instance != COMMITMENT_INSTANCE:
            return Answer(Status.NO_SUCH_INSTANCE)
        return Answer(Status.NO_SUCH_ACTION) if command.action != REQUEST else None


class Reports:
    """Those that went out over one association, until the sender acknowledges them."""

    def __init__(self, desk: Desk, actor: Actor) -> None:
        self._desk, self._actor = desk, actor
        self._sent: dict[int, tuple[uuid.UUID, Report]] = {}
        self._number = 0

    async def on(
        self, commitment: StorageCommitment, context_id: int, context: Context, *, longest: int
    ) -> Sequence[bytes]:
        """The report on a request that was just taken."""
        report = await report_on(self._desk.sessions, SYSTEM, self._desk.objects, commitment)
        self._number += 1
        self._sent[self._number] = commitment.id, report
        content = information(report, transfer_syntax=context.transfer_syntax, retrieve_title=self._desk.ae_title)
        return list(
            encoded_report(
                content, event=event_type(report), message_id=self._number, context_id=context_id, longest=longest
            )
        )

    async def acknowledged(self, command: Command) -> None:
        """Note that it arrived. Where the sender could not take it, it is told anew later."""
        sent = self._sent.pop(command.message_id, None)
        if sent is None or command.status != Status.SUCCESS:
            return
        commitment_id, report = sent
        async with transaction(self._desk.sessions, SYSTEM) as session:
            await note_report(session, self._actor, commitment_id=commitment_id, report=report)
