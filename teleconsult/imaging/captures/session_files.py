"""What the two of a session keep of it among the consult's images: a picture out of the video, a photograph, a PDF.

Either of them may: the specialist, too, who brings nothing to a consult otherwise. It is filed as the system, since the
images are of the requester's establishment; the audit names who kept it.
"""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import lock_consult, whole
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.queries import encounter_for
from teleconsult.errors import Conflict, Invalid, Refused
from teleconsult.imaging.actions import Instance, store_in
from teleconsult.imaging.captures.heading import Heading, heading_of
from teleconsult.imaging.captures.kinds import START, Kind, Medium, Subject, kind_of, medium_of
from teleconsult.imaging.captures.making import Words, sha256_of
from teleconsult.imaging.captures.objects import Capture, write_object
from teleconsult.imaging.receiving import Received, Receiver
from teleconsult.imaging.refusals import Refusal, Unreadable, sentence
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects

_VERBS: Final = {Medium.PICTURE: "photograph", Medium.PDF: "document"}
LARGEST: Final = 20 * 1024 * 1024
"""Bytes of one such file: a telephone's photograph, a letter of some pages."""


class Origin(StrEnum):
    """Where a file comes from."""

    VIDEO = "video"
    """A picture that was frozen; the patient was asked whether it may be kept."""
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Said:
    """What is said of a file; `comment` goes into the object's header."""

    origin: Origin
    words: Words
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where it stands among the images: our id of the study, and the UIDs."""

    study_id: uuid.UUID
    study_uid: str
    sop_uid: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class SessionFiles:
    """Where they become DICOM."""

    sessions: Sessions
    receiver: Receiver
    sandbox: Sandbox
    objects: Objects

    async def keep(self, actor: Actor, *, consult_id: uuid.UUID, file: Received, said: Said) -> Kept:
        """Keep a photograph or a PDF; the same file again is the same object. The caller removes the file.

        Raises NotFound for who is not one of the two whose session it is,
        Refused once their room is closed, Invalid for what is no photograph or PDF that can be read.
        """
        heading = await self._heading(actor, consult_id)
        capture = await self._capture(actor, file, heading, said)
        path = file.path.with_name(f"{file.path.name}-made")
        await asyncio.to_thread(write_object, path, heading, capture)
        study: list[uuid.UUID] = []

        async def store(instance: Instance) -> None:
            async with transaction(self.sessions, SYSTEM) as session:
                consult = await _consult(session, consult_id)
                act = "still-kept" if said.origin is Origin.VIDEO else "session-file-kept"
                (outcome,) = await store_in(
                    session, actor, consult, instances=[instance], objects=self.objects, act=act
                )
                if outcome.study_id is None:
                    raise Invalid({"file": sentence(outcome.refusal or Refusal.DAMAGED)})
                study.append(outcome.study_id)
                if outcome.object_key is None:
                    raise Conflict("It is among the images already.")

        with suppress(Conflict):
            refusal = await self.receiver.receive_made(Received(file.name, path), store)
            if refusal is not None:
                raise Invalid({"file": sentence(refusal)})
        return Kept(study[0], heading.study_uid, heading.instance_uid(capture.digest), capture.kind)

    async def _heading(self, actor: Actor, consult_id: uuid.UUID) -> Heading:
        async with transaction(self.sessions, actor) as session:
            live = await encounter_for(session, actor, consult_id)
            if not live.is_open:
                raise Refused("The room of this consult is closed.")
        async with transaction(self.sessions, SYSTEM) as session:
            return await heading_of(session, await _consult(session, consult_id))

    async def _capture(self, actor: Actor, file: Received, heading: Heading, said: Said) -> Capture:
        medium = medium_of(await asyncio.to_thread(_start, file.path))
        if medium not in _VERBS or (said.origin is Origin.VIDEO and medium is not Medium.PICTURE):
            raise Invalid({"file": "Send a photograph (JPEG, PNG, WebP) or a PDF."})
        if (await asyncio.to_thread(file.path.stat)).st_size > LARGEST:
            raise Invalid({"file": "This file is too large for the session. Add it to the consult's images instead."})
        try:
            answer = await self.sandbox.ask(_VERBS[medium], file.path)
        except Unreadable as error:
            raise Invalid({"file": sentence(error.refusal)}) from error
        kind = kind_of(medium, Subject.SKIN)
        return Capture(
            kind=kind,
            content=answer.body,
            digest=await asyncio.to_thread(sha256_of, file.path),
            made=heading.moment(answer.head.get("taken", ""), received=now()),
            number=heading.present + 1,
            title=file.name.rpartition(".")[0] or file.name,
            study_title=said.words.study,
            series_title=said.words.series[kind],
            told=answer.head,
            operator=actor.name,
            comment=said.comment,
        )


async def _consult(session: AsyncSession, consult_id: uuid.UUID) -> ServiceRequest:
    """The consult of a session that was looked up through who acts; locked, in a transaction of the system's."""
    await lock_consult(session, consult_id)
    found = select(ServiceRequest).where(ServiceRequest.id == consult_id).options(*whole())
    return (await session.scalars(found)).one()


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(START)
