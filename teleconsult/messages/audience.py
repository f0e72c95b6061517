"""Who is told of a consult: the people of both sides who may still see it, each once, in the role that has a part."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, and_, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.sessions import actor_of_role
from teleconsult.clock import now
from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import DutyShift, HealthcareService, Practitioner, PractitionerRole, RoleCode
from teleconsult.messages.models import Notice
from teleconsult.messages.occasions import Side

MOST_TOLD: Final = 40
"""People of one side."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is told: their account, and the role in which. The role's practitioner and place are loaded."""

    account: Account
    role: PractitionerRole

    @property
    def actor(self) -> Actor:
        """Them, as if they looked themselves."""
        return actor_of_role(self.account, self.role)


async def audience(
    session: AsyncSession,
    consult: ServiceRequest,
    sides: frozenset[Side],
    *,
    specialist_role_id: uuid.UUID | None,
    but: uuid.UUID | None,
) -> list[Person]:
    """Everybody of these sides who may see the consult, but for the person in the role `but`. The system's own look."""
    service = await session.get(HealthcareService, consult.service_id) if consult.service_id else None
    found: list[Person] = []
    if Side.REQUESTER in sides:
        found += await _people(session, PractitionerRole.id == consult.requester_role_id)
    answering: list[Person] = []
    if Side.SPECIALIST in sides and specialist_role_id is not None:
        answering += await _people(session, PractitionerRole.id == specialist_role_id)
    if Side.MEMBERS in sides:
        answering += await _people(session, rows.meets_over(consult.id, PractitionerRole.id))
    if Side.CANDIDATES in sides and specialist_role_id is None and service is not None:
        answering += await _people(session, _is_on_duty(service))
    if Side.COORDINATORS in sides and service is not None:
        answering += await _people(session, _coordinates(service))
    if Side.CANDIDATES in sides and not answering and service is not None:
        answering += await _people(session, _is_of_specialty(service))
    actor = await session.get(PractitionerRole, but) if but is not None else None
    told: dict[uuid.UUID, Person] = {}
    for person in await _who_see(session, (*found, *answering), consult.id):
        practitioner_id = person.role.practitioner_id
        if actor is None or actor.practitioner_id != practitioner_id:
            told.setdefault(practitioner_id, person)
    return list(told.values())


async def person_in(session: AsyncSession, role_id: uuid.UUID) -> Person | None:
    """Who has this role; None once it has ended, or the account is disabled."""
    return next(iter(await _people(session, PractitionerRole.id == role_id)), None)


async def sees(session: AsyncSession, person: Person, consult_id: uuid.UUID) -> bool:
    """Whether the consult exists for them, as it would if they looked now."""
    return bool(await _who_see(session, [person], consult_id))


async def _who_see(session: AsyncSession, people: Sequence[Person], consult_id: uuid.UUID) -> list[Person]:
    """For whom of them the consult exists, as if each looked now: one question, a column each."""
    if not people:
        return []
    asked = [exists().where(ServiceRequest.id == consult_id, rows.consults(person.actor)) for person in people]
    seen = (await session.execute(select(*asked))).one()
    return [person for person, is_seen in zip(people, seen, strict=True) if is_seen]


async def heard(session: AsyncSession, person: Person, notices: Sequence[Notice]) -> list[Notice]:
    """Of which they are told outside: of what they may see, and what is said to who does not. One question."""
    named = {notice.service_request_id for notice in notices if notice.number is None}
    seen: set[uuid.UUID] = set()
    if named:
        found = select(ServiceRequest.id).where(ServiceRequest.id.in_(named), rows.consults(person.actor))
        seen = set(await session.scalars(found))
    return [one for one in notices if one.number is not None or one.service_request_id in seen]


async def _people(session: AsyncSession, which: ColumnElement[bool]) -> Sequence[Person]:
    found = await session.execute(
        select(Account, PractitionerRole)
        .join(Practitioner, Practitioner.id == Account.practitioner_id)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        .where(which, PractitionerRole.ended_at.is_(None), Account.disabled_at.is_(None))
        .options(
            joinedload(Account.practitioner),
            joinedload(PractitionerRole.practitioner),
            joinedload(PractitionerRole.organization),
        )
        .order_by(PractitionerRole.id)
        .limit(MOST_TOLD)
    )
    return [Person(account, role) for account, role in found]


def _is_on_duty(service: HealthcareService) -> ColumnElement[bool]:
    return exists().where(
        DutyShift.service_id == service.id,
        DutyShift.practitioner_role_id == PractitionerRole.id,
        DutyShift.is_on(now()),
    )


def _coordinates(service: HealthcareService) -> ColumnElement[bool]:
    return and_(
        PractitionerRole.organization_id == service.organization_id, PractitionerRole.code == RoleCode.COORDINATOR
    )


def _is_of_specialty(service: HealthcareService) -> ColumnElement[bool]:
    return and_(
        PractitionerRole.organization_id == service.organization_id,
        PractitionerRole.code == RoleCode.SPECIALIST,
        PractitionerRole.specialty == service.specialty,
    )
