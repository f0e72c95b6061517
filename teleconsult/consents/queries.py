"""All that a patient agreed to over their consults, with what each consent shares and who looked at it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.interfaces import ORMOption

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consults.models import RequestStatus, ServiceRequest
from teleconsult.consults.queries import whole
from teleconsult.consults.states import ConsultState, state_of
from teleconsult.consults.worklists import Cursor
from teleconsult.directory.models import PractitionerRole
from teleconsult.excerpts.models import Excerpt, ExcerptItem, ExcerptRead, ExcerptStudy
from teleconsult.patients.queries import PatientFile

PAGE: Final = 20


class ConsentState(StrEnum):
    """Where a consent stands, in our words."""

    IN_FORCE = "in-force"
    CONFIRMED = "confirmed"
    """Another took over from it."""
    WITHDRAWN = "withdrawn"
    ENDED = "ended"
    """Nothing rests on it any more: the consult was cancelled, or its excerpt's time is over."""
    ELSEWHERE = "elsewhere"
    """Not withdrawn; what it allows is for another establishment to see."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What a consult shares, and who looked at it besides the reader."""

    excerpt: Excerpt
    entries: int
    studies: int
    readers: int
    read_at: datetime | None

    @property
    def is_readable(self) -> bool:
        """Whether the specialists can read it now, as long as the consent stands."""
        return self.excerpt.revoked_at is None and not self.is_over

    @property
    def is_over(self) -> bool:
        """Whether the time after the consult is over, too."""
        return self.excerpt.expires_at is not None and self.excerpt.expires_at <= now()


@dataclass(frozen=True, slots=True)
class Agreement:
    """One consult's consent: the one that stands or stood last, those it took over from, and what they are about."""

    consent: Consent
    earlier: tuple[Consent, ...]
    consult: ServiceRequest | None
    """None where it does not exist for the reader."""
    shared: Shared | None

    @property
    def state(self) -> ConsentState:
        """Where it stands."""
        if self.consent.status is ConsentStatus.INACTIVE:
            return ConsentState.WITHDRAWN
        if self.consult is None:
            return ConsentState.ELSEWHERE
        is_over = self.shared is not None and self.shared.is_over
        return ConsentState.ENDED if is_over or self.consult_state is ConsultState.CANCELLED else ConsentState.IN_FORCE

    @property
    def consult_state(self) -> ConsultState | None:
        """Where its consult stands."""
        return state_of(self.consult) if self.consult is not None else None

    @property
    def is_readable(self) -> bool:
        """Whether the specialists can read what is shared."""
        return self.state is ConsentState.IN_FORCE and self.shared is not None and self.shared.is_readable


async def agreements(
    session: AsyncSession, actor: Actor, file: PatientFile, *, before: Cursor | None = None
) -> tuple[list[Agreement], Cursor | None]:
    """Twenty consults' consents of a file that the caller has looked up, the latest first, and where to go on."""
    query = (
        select(Consent)
        .where(
            Consent.patient_id.in_(file.patient_ids),
            rows.consents(actor),
            ~Consent.confirmed_by.has(),
        )
        .order_by(Consent.recorded_at.desc(), Consent.service_request_id.desc())
        .limit(PAGE + 1)
        .options(*_people())
    )
    if before is not None:
        place = tuple_(Consent.recorded_at, Consent.service_request_id)
        query = query.where(place < tuple_(before.authored_on, before.consult_id))
    found = (await session.scalars(query)).all()
    shown = found[:PAGE]
    last = shown[-1] if len(found) > PAGE else None
    return await _told(session, actor, shown), Cursor(last.recorded_at, last.service_request_id) if last else None


async def consents_in_force(session: AsyncSession, actor: Actor, file: PatientFile) -> int:
    """How many of them are in force, of the consults that exist for the actor."""
    ended = exists().where(Excerpt.service_request_id == Consent.service_request_id, Excerpt.expires_at <= now())
    count = await session.scalar(
        select(func.count())
        .select_from(Consent)
        .join(ServiceRequest, ServiceRequest.id == Consent.service_request_id)
        .where(
            Consent.patient_id.in_(file.patient_ids),
            Consent.status == ConsentStatus.ACTIVE,
            ServiceRequest.status != RequestStatus.REVOKED,
            rows.consents(actor),
            rows.consults(actor),
            ~ended,
        )
    )
    return count or 0


async def _told(session: AsyncSession, actor: Actor, shown: Sequence[Consent]) -> list[Agreement]:
    ids = [consent.service_request_id for consent in shown]
    if not ids:
        return []
    own = select(ServiceRequest).where(ServiceRequest.id.in_(ids), rows.consults(actor)).options(*whole())
    consults = {consult.id: consult for consult in await session.scalars(own)}
    before = await session.scalars(
        select(Consent)
        .where(Consent.service_request_id.in_(ids), Consent.id.not_in([one.id for one in shown]))
        .order_by(Consent.recorded_at.desc())
        .options(*_people())
    )
    earlier: dict[uuid.UUID, list[Consent]] = {}
    for one in before:
        earlier.setdefault(one.service_request_id, []).append(one)
    shares = await _shares(session, actor, list(consults))
    return [
        Agreement(
            consent,
            tuple(earlier.get(consent.service_request_id, ())),
            consults.get(consent.service_request_id),
            shares.get(consent.service_request_id),
        )
        for consent in shown
    ]


async def _shares(session: AsyncSession, actor: Actor, consult_ids: list[uuid.UUID]) -> dict[uuid.UUID, Shared]:
    """What each consult shares, by its id: the newest version of its excerpt."""
    of_consults = Excerpt.service_request_id.in_(consult_ids)
    versions = await session.scalars(select(Excerpt).where(of_consults).order_by(Excerpt.version))
    newest = {excerpt.service_request_id: excerpt for excerpt in versions}
    ids = [excerpt.id for excerpt in newest.values()]
    entries, studies = [await _sizes(session, part, ids) for part in (ExcerptItem, ExcerptStudy)]
    looked = await session.execute(
        select(
            Excerpt.service_request_id,
            func.count(ExcerptRead.practitioner_role_id.distinct()),
            func.max(ExcerptRead.read_at),
        )
        .join(ExcerptRead, ExcerptRead.excerpt_id == Excerpt.id)
        .where(of_consults, ExcerptRead.practitioner_role_id != actor.role_id)
        .group_by(Excerpt.service_request_id)
    )
    readers = {consult_id: (count, last) for consult_id, count, last in looked}
    return {
        consult_id: Shared(
            excerpt, entries.get(excerpt.id, 0), studies.get(excerpt.id, 0), *readers.get(consult_id, (0, None))
        )
        for consult_id, excerpt in newest.items()
    }


async def _sizes(
    session: AsyncSession, part: type[ExcerptItem | ExcerptStudy], excerpt_ids: list[uuid.UUID]
) -> dict[uuid.UUID, int]:
    counted = select(part.excerpt_id, func.count()).where(part.excerpt_id.in_(excerpt_ids)).group_by(part.excerpt_id)
    return dict((await session.execute(counted)).all())


def _people() -> tuple[ORMOption, ...]:
    """Who noted a consent, and who that it is withdrawn."""
    return tuple(
        joinedload(role).options(joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization))
        for role in (Consent.recorded_by, Consent.withdrawn_by)
    )
