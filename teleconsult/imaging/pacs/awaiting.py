"""Studies that somebody asked an archive for: what comes of them goes to their request, whichever door it came through.

They are filed as if the one who asked had brought them: into the request alone, while images may be added to it, and
with a warning where the name is another one. Beyond that, they must be what was chosen: of that study, and of the
patient number and birth date that the archive told of it.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Self

from sqlalchemy import or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.sessions import actor_of_role
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole
from teleconsult.errors import Forbidden, NotFound, Refused
from teleconsult.imaging.actions import Instance, Outcome, store_instances
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.pacs.faults import Fault
from teleconsult.imaging.pacs.models import FetchStatus, Pacs, PacsFetch
from teleconsult.imaging.refusals import Refusal
from teleconsult.objects import Objects

OPEN: Final = (FetchStatus.QUEUED, FetchStatus.RUNNING)
LINGERING: Final = timedelta(minutes=10)
"""How long after it was cancelled an archive may go on sending: that is turned away, not filed elsewhere."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A fetch, and who asked for it."""

    fetch_id: uuid.UUID
    consult_id: uuid.UUID
    study_uid: str
    patient_number: str
    birth_date: date | None
    is_open: bool
    actor: Actor | None
    """None where they have no such role any more."""

    @classmethod
    async def of(cls, session: AsyncSession, fetch: PacsFetch) -> Self:
        """Of a row. The session is the system's."""
        return cls(
            fetch.id,
            fetch.service_request_id,
            fetch.study_instance_uid,
            fetch.patient_number,
            fetch.birth_date,
            fetch.is_open,
            await _actor(session, fetch.requester_role_id),
        )

    def refusal_of(self, header: InstanceHeader) -> Refusal | None:
        """Why an image is not what was chosen. What one of the two leaves open says nothing."""
        number, chosen = header.patient_id.strip().casefold(), self.patient_number.casefold()
        is_other_number = bool(number and chosen) and number != chosen
        is_other_day = None not in (header.birth_date, self.birth_date) and header.birth_date != self.birth_date
        return Refusal.NOT_CHOSEN if is_other_number or is_other_day else None


async def is_asked(session: AsyncSession, sender_id: uuid.UUID) -> bool:
    """Whether an archive sends as this system. The session is the system's."""
    return await session.scalar(select(Pacs.id).where(Pacs.dicom_peer_id == sender_id).limit(1)) is not None


async def awaited_from(session: AsyncSession, sender_id: uuid.UUID) -> dict[str, Awaited]:
    """What archives were asked to send by this system, by study. The session is the system's."""
    is_late = (PacsFetch.status == FetchStatus.CANCELLED) & (PacsFetch.changed_at > now() - LINGERING)
    found = await session.scalars(
        select(PacsFetch)
        .join(Pacs, Pacs.id == PacsFetch.pacs_id)
        .where(Pacs.dicom_peer_id == sender_id, or_(PacsFetch.status.in_(OPEN), is_late))
        .order_by(PacsFetch.created_at.desc())
        .limit(100)
    )
    awaited: dict[str, Awaited] = {}
    for fetch in found:
        known = awaited.get(fetch.study_instance_uid)
        if known is None or not known.is_open:
            awaited[fetch.study_instance_uid] = await Awaited.of(session, fetch)
    return awaited


async def store_awaited(
    sessions: Sessions, awaited: Awaited, instances: Sequence[Instance], objects: Objects
) -> list[Outcome]:
    """Put them into the request, in one transaction, and count them; what became of each, in order."""
    outcomes = {one.object_key: Outcome(one.name, awaited.refusal_of(one.header)) for one in instances}
    fitting = [one for one in instances if outcomes[one.object_key].refusal is None]
    if awaited.actor is None or not awaited.is_open:
        return [Outcome(one.name, Refusal.NOT_WANTED) for one in instances]
    try:
        async with transaction(sessions, awaited.actor) as session:
            if fitting:
                stored = await store_instances(
                    session, awaited.actor, consult_id=awaited.consult_id, instances=fitting, objects=objects
                )
                outcomes |= {one.object_key: outcome for one, outcome in zip(fitting, stored, strict=True)}
            await count_in(session, awaited.fetch_id, list(outcomes.values()))
    except (NotFound, Forbidden, Refused):
        async with transaction(sessions, SYSTEM) as session:
            values = {"status": FetchStatus.FAILED, "fault": Fault.NOT_WANTED.value, "changed_at": now()}
            is_open = PacsFetch.id == awaited.fetch_id, PacsFetch.status.in_(OPEN)
            await session.execute(update(PacsFetch).where(*is_open).values(values))
        return [Outcome(one.name, Refusal.NOT_WANTED) for one in instances]
    return [outcomes[one.object_key] for one in instances]


async def count_in(session: AsyncSession, fetch_id: uuid.UUID, outcomes: Sequence[Outcome]) -> None:
    """Note what came. The session is that of who asked, or the system's."""
    refusals = [outcome.refusal for outcome in outcomes if outcome.refusal]
    values = {
        "arrived": PacsFetch.arrived + len(outcomes) - len(refusals),
        "refused": PacsFetch.refused + len(refusals),
        "changed_at": now(),
    }
    if refusals:
        values["refusal"] = refusals[-1].value
    await session.execute(update(PacsFetch).where(PacsFetch.id == fetch_id, PacsFetch.status.in_(OPEN)).values(values))


async def _actor(session: AsyncSession, role_id: uuid.UUID) -> Actor | None:
    found = await session.execute(
        select(Account, PractitionerRole)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Account.practitioner_id)
        .where(PractitionerRole.id == role_id, PractitionerRole.ended_at.is_(None), Account.disabled_at.is_(None))
        .options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
        .limit(1)
    )
    row = found.one_or_none()
    return actor_of_role(row[0], row[1]) if row else None
