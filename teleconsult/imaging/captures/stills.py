"""A picture out of the video of a session, or a clip that was recorded in it, kept among the consult's images with the
patient's agreement.

Either of the two may: the specialist, too, who brings nothing to a consult otherwise. It is filed as the system: the
images are of the requester's establishment. The audit names who kept it.
"""

import asyncio
import uuid
from contextlib import suppress
from dataclasses import dataclass
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
from teleconsult.imaging.captures.kinds import Kind, Medium
from teleconsult.imaging.captures.making import Words, medium_at, sha256_of
from teleconsult.imaging.captures.objects import Capture, write_object
from teleconsult.imaging.receiving import Received, Receiver
from teleconsult.imaging.refusals import Refusal, Unreadable, sentence
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.objects import Objects

LARGEST: Final = 20 * 1024 * 1024
"""Bytes of one picture: a telephone's photograph."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where it stands among the images: our id of the study, and the UIDs."""

    study_id: uuid.UUID
    study_uid: str
    sop_uid: str


@dataclass(frozen=True, slots=True)
class Album:
    """Where pictures become DICOM (VL Photographic Image, PS3.3 A.32.4), and videos (Video Photographic Image, A.32.7)
    where there is a sandbox with time for them.
    """

    sessions: Sessions
    receiver: Receiver
    sandbox: Sandbox
    objects: Objects
    videos: Sandbox | None = None

    async def keep(self, actor: Actor, *, consult_id: uuid.UUID, file: Received, words: Words, comment: str) -> Kept:
        """Keep one; the same one again is the same object. The caller asked the patient, and removes the file.

        `comment` says in the object's header how it came about. Raises NotFound for who is not one of the two whose
        session it is, Refused once their room is closed, Invalid for what is none that can be read.
        """
        heading = await self._heading(actor, consult_id)
        capture = await self._capture(file, heading, words=words, operator=actor.name, comment=comment)
        path = file.path.with_name(f"{file.path.name}-made")
        await asyncio.to_thread(write_object, path, heading, capture)
        study: list[uuid.UUID] = []
        is_clip = capture.kind is Kind.VIDEO

        async def store(instance: Instance) -> None:
            async with transaction(self.sessions, SYSTEM) as session:
                consult = await _consult(session, consult_id)
                (outcome,) = await store_in(
                    session,
                    actor,
                    consult,
                    instances=[instance],
                    objects=self.objects,
                    act="clip-kept" if is_clip else "still-kept",
                )
                if outcome.study_id is None:
                    raise Invalid({"picture": sentence(outcome.refusal or Refusal.DAMAGED)})
                study.append(outcome.study_id)
                if outcome.object_key is None:
                    raise Conflict("It is among the images already.")

        with suppress(Conflict):
            refusal = await self.receiver.receive_made(Received(file.name, path), store)
            if refusal is not None:
                raise Invalid({"picture": sentence(refusal)})
        return Kept(study[0], heading.study_uid, heading.instance_uid(capture.digest))

    async def _heading(self, actor: Actor, consult_id: uuid.UUID) -> Heading:
        async with transaction(self.sessions, actor) as session:
            live = await encounter_for(session, actor, consult_id)
            if not live.is_open:
                raise Refused("The room of this consult is closed.")
        async with transaction(self.sessions, SYSTEM) as session:
            return await heading_of(session, await _consult(session, consult_id))

    async def _capture(self, file: Received, heading: Heading, *, words: Words, operator: str, comment: str) -> Capture:
        medium = await asyncio.to_thread(medium_at, file.path)
        kind = Kind.VIDEO if medium is Medium.VIDEO and self.videos else Kind.PHOTOGRAPH
        if medium is not Medium.PICTURE and kind is Kind.PHOTOGRAPH:
            raise Invalid({"picture": sentence(Refusal.DAMAGED)})
        try:
            if kind is Kind.VIDEO and self.videos:
                answer = await self.videos.ask("film", file.path)
            else:
                answer = await self.sandbox.ask("photograph", file.path)
        except Unreadable as error:
            raise Invalid({"picture": sentence(error.refusal)}) from error
        return Capture(
            kind=kind,
            content=answer.body,
            digest=await asyncio.to_thread(sha256_of, file.path),
            made=heading.moment(answer.head.get("taken", ""), received=now()),
            number=heading.present + 1,
            study_title=words.study,
            series_title=words.series[kind],
            told=answer.head,
            operator=operator,
            comment=comment,
        )


async def _consult(session: AsyncSession, consult_id: uuid.UUID) -> ServiceRequest:
    """The consult of a session that was looked up through who acts; locked, in a transaction of the system's."""
    await lock_consult(session, consult_id)
    found = select(ServiceRequest).where(ServiceRequest.id == consult_id).options(*whole())
    return (await session.scalars(found)).one()
