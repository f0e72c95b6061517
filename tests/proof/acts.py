"""The acts that are killed and cut: images brought to a consult, its time booked, its note signed, and delivered."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType

from sqlalchemy import delete, select

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import SignInAttempt
from teleconsult.accounts.stepping_up import Proof
from teleconsult.consults.queries import consult_for
from teleconsult.db import transaction
from teleconsult.delivery.filing import file_owed
from teleconsult.delivery.outbox import Outbox
from teleconsult.delivery.parcel import Means
from teleconsult.errors import TeleconsultError
from teleconsult.imaging.receiving import Received, Receiver
from teleconsult.notes.co_signing import co_sign_note
from teleconsult.notes.co_signing_models import NoteCoSignature
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.signing import Signing, sign_note
from teleconsult.scheduling.booking import book_appointment, propose_time
from teleconsult.scheduling.models import AppointmentStatus
from teleconsult.sealing import Sealer
from tests import delivery_steps
from tests.people import PASSWORD


@dataclass(frozen=True, slots=True)
class Case:
    """A draft its author was shown; and another consult, with an image to bring and a time that nobody else has."""

    consult_id: uuid.UUID
    note_id: uuid.UUID
    version: int
    shown: str
    image: Path
    sop_instance_uid: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Actors:
    """Who acts."""

    rural: Actor
    coordinator: Actor
    specialist: Actor
    member: Actor
    """Of a team meeting: who is asked to sign too."""


@dataclass(frozen=True, slots=True)
class Acts:
    """What is done with a case; each answers whether it is done now, by itself or earlier."""

    signing: Signing
    receiver: Receiver
    actors: Actors

    async def bring(self, case: Case) -> bool:
        """Bring the image to the consult."""
        given = Received("IM1", case.image)
        (told,) = await self.receiver.receive(self.actors.rural, consult_id=case.consult_id, files=[given])
        return told.refusal is None

    async def book(self, case: Case) -> bool:
        """Propose the time, and book it."""
        sessions, who = self.signing.sessions, self.actors.coordinator
        try:
            async with transaction(sessions, who) as session:
                await propose_time(session, who, consult_id=case.consult_id, starts_at=case.starts_at)
            async with transaction(sessions, who) as session:
                await book_appointment(session, who, consult_id=case.consult_id)
        except TeleconsultError:
            async with transaction(sessions, who) as session:
                appointment = (await consult_for(session, who, case.consult_id)).appointment
            if appointment is None or appointment.status is not AppointmentStatus.BOOKED:
                raise
        return True

    async def sign(self, case: Case) -> bool:
        """Sign the note as it was shown."""
        async with transaction(self.signing.sessions, SYSTEM) as session:
            note = await session.get_one(Composition, case.note_id)
        if note.status is CompositionStatus.PRELIMINARY:
            await sign_note(
                self.signing,
                self.actors.specialist,
                note_id=case.note_id,
                version=case.version,
                proof=Proof(password=PASSWORD),
                address="192.0.2.1",
                shown=case.shown,
            )
        return True

    async def co_sign(self, case: Case) -> bool:
        """Sign what its author signed, as who is asked to."""
        async with transaction(self.signing.sessions, SYSTEM) as session:
            mine = NoteCoSignature.composition_id == case.note_id
            asked = (await session.scalars(select(NoteCoSignature).where(mine))).one()
        if asked.signed_at is None:
            who, proof = self.actors.member, Proof(password=PASSWORD)
            await co_sign_note(self.signing, who, note_id=case.note_id, proof=proof, address="192.0.2.2")
        return True

    async def forget_tries(self) -> bool:
        """Who dies while a signer proves who they are leaves a try that was not a right one. Once a crash that is no
        harm; ten times within these two minutes, and the signer would be shut out for a quarter of an hour.
        """
        async with transaction(self.signing.sessions, SYSTEM) as session:
            await session.execute(delete(SignInAttempt))
        return True

    async def deliver(self) -> None:
        """One round of everything that is owed."""
        signing = self.signing
        await file_owed(signing.sessions)
        means = Means(delivery_steps.reaching(signing.settings), Sealer(signing.settings.secret_key))
        await Outbox(signing.sessions, signing.objects, means).run(within=1)

    @property
    def of_a_case(self) -> Mapping[str, Callable[[Case], Awaitable[bool]]]:
        """In the order in which a consult sees them."""
        return MappingProxyType({"bring": self.bring, "book": self.book, "sign": self.sign})
