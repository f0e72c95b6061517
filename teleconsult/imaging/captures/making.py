"""Turning what a doctor brings into DICOM objects. Its file is not kept: a phone writes into it where the patient
lives, and its pixels are all in the object; of the object, the SHA-256 is kept as of every instance.
"""

import asyncio
import hashlib
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.actions import Outcome
from teleconsult.imaging.archives import shown_name
from teleconsult.imaging.captures.heading import Heading, heading_for
from teleconsult.imaging.captures.kinds import START, Kind, Medium, Subject, kind_of, medium_of
from teleconsult.imaging.captures.objects import Capture, write_object
from teleconsult.imaging.receiving import Received, Receiver
from teleconsult.imaging.refusals import Refusal, Unreadable
from teleconsult.imaging.sandbox import Sandbox

VIDEO_SECONDS: Final = 480
"""Two minutes of 4K are coded anew within it, on a machine that has other things to do."""
_VERBS: Final = {Medium.PICTURE: "photograph", Medium.PDF: "document", Medium.VIDEO: "film"}


@dataclass(frozen=True, slots=True)
class Words:
    """What the study and its series are called, in the language of who brings them."""

    study: str
    series: Mapping[Kind, str]


@dataclass(frozen=True, slots=True)
class Brought:
    """What who brings a file says of it, should it be no DICOM."""

    subject: Subject
    words: Words


class Studio:
    """Where files that are no DICOM become it, on their way to the Receiver."""

    def __init__(self, *, sessions: Sessions, receiver: Receiver, sandbox: Sandbox, videos: Sandbox) -> None:
        """`videos` has time for them: what takes minutes keeps nobody waiting who looks at images."""
        self._sessions, self._receiver = sessions, receiver
        self._sandbox, self._videos = sandbox, videos

    async def receive(
        self, actor: Actor, *, consult_id: uuid.UUID, files: Sequence[Received], brought: Brought
    ) -> list[Outcome]:
        """Store what can be stored; what became of each file. The caller removes them, and what lies beside them.

        A file that is here already, for this consult, changes nothing. Raises as `Receiver.receive`.
        """
        async with transaction(self._sessions, actor) as session:
            heading = await heading_for(session, actor, consult_id)
        made: list[Received] = []
        others: list[Received] = []
        refused: list[Outcome] = []
        for file in files:
            try:
                path = await self._made(file, heading, brought, number=heading.present + len(made) + 1)
            except Unreadable as error:
                refused.append(Outcome(shown_name(file.name), error.refusal))
            else:
                (others if path is None else made).append(Received(file.name, path or file.path))
        receive = partial(self._receiver.receive, actor, consult_id=consult_id)
        stored = await receive(files=others) if others else []
        stored += [_as_same(one) for one in (await receive(files=made) if made else [])]
        return [*stored, *refused]

    async def _made(self, file: Received, heading: Heading, brought: Brought, *, number: int) -> Path | None:
        """The object's file, beside the one that came; None for what is none of those that are taken here."""
        medium = await asyncio.to_thread(medium_at, file.path)
        if medium is None:
            return None
        if medium is Medium.HEIC:
            raise Unreadable(Refusal.HEIC)
        room = self._videos if medium is Medium.VIDEO else self._sandbox
        answer = await room.ask(_VERBS[medium], file.path)
        kind = kind_of(medium, brought.subject)
        capture = Capture(
            kind=kind,
            content=answer.body,
            digest=await asyncio.to_thread(sha256_of, file.path),
            made=heading.moment(answer.head.get("taken", ""), received=now()),
            number=number,
            title=file.name.rpartition(".")[0] or file.name,
            study_title=brought.words.study,
            series_title=brought.words.series[kind],
            told=answer.head,
        )
        path = file.path.with_name(f"{file.path.name}-made")
        await asyncio.to_thread(write_object, path, heading, capture)
        return path


def _as_same(outcome: Outcome) -> Outcome:
    """The UID is that of the file that came: whatever else was written under it, it is the same picture."""
    return replace(outcome, refusal=None) if outcome.refusal is Refusal.OTHER_BYTES else outcome


def medium_at(path: Path) -> Medium | None:
    """What a file is by its first bytes."""
    with path.open("rb") as file:
        return medium_of(file.read(START))


def sha256_of(path: Path) -> bytes:
    """Of a file as it came."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
