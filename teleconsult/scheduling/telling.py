"""Whose session it is, for what leaves the house, and what further people are told on screen."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.accounts.models import Account
from teleconsult.clock import now
from teleconsult.consults.models import ConsultMode, ServiceRequest
from teleconsult.directory.models import Practitioner, PractitionerRole
from teleconsult.messages.audience import Person
from teleconsult.messages.occasions import INVITED, UNINVITED
from teleconsult.messages.telling import add_notice
from teleconsult.scheduling.hours_models import AppointmentParticipant
from teleconsult.scheduling.models import Appointment, AppointmentStatus


@dataclass(frozen=True, slots=True)
class OneOfSession:
    """Somebody whose calendar a session stands in, in the role it concerns; person and establishment are loaded."""

    account: Account
    role: PractitionerRole
    since: int | None
    """Of somebody invited besides the two whose session it is: as of which `Appointment.sequence`."""

    @property
    def is_invited(self) -> bool:
        """Whether the consult is not theirs."""
        return self.since is not None


async def people_of(session: AsyncSession, appointment: Appointment) -> list[OneOfSession]:
    """Who asked, who accepted, and who was invited, as far as they still work here: each person once."""
    consult = await session.get_one(ServiceRequest, appointment.service_request_id)
    of_team = consult.mode is ConsultMode.MEETING  # whose members are told of the whole meeting, once
    theirs = (consult.requester_role_id, None if of_team else appointment.specialist_role_id)
    found = await session.execute(
        select(Account, PractitionerRole, AppointmentParticipant.invited_sequence)
        .join(Practitioner, Practitioner.id == Account.practitioner_id)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Practitioner.id)
        .outerjoin(
            AppointmentParticipant,
            and_(
                AppointmentParticipant.appointment_id == appointment.id,
                AppointmentParticipant.practitioner_role_id == PractitionerRole.id,
                AppointmentParticipant.invited_sequence.is_not(None),
            ),
        )
        .where(
            or_(PractitionerRole.id.in_(theirs), AppointmentParticipant.id.is_not(None)),
            PractitionerRole.ended_at.is_(None),
            Account.disabled_at.is_(None),
        )
        .options(joinedload(Account.practitioner), joinedload(PractitionerRole.organization))
        .order_by(AppointmentParticipant.invited_sequence.is_not(None), Account.id)
    )
    people: dict[uuid.UUID, OneOfSession] = {}
    for account, role, since in found:
        people.setdefault(account.id, OneOfSession(account, role, None if role.id in theirs else since))
    return list(people.values())


async def invited_in(session: AsyncSession, roles: Sequence[uuid.UUID]) -> list[OneOfSession]:
    """Who was invited in these roles, whether they still are or not, as far as they still work here."""
    found = await session.execute(
        select(Account, PractitionerRole)
        .join(PractitionerRole, PractitionerRole.practitioner_id == Account.practitioner_id)
        .where(PractitionerRole.id.in_(roles), PractitionerRole.ended_at.is_(None), Account.disabled_at.is_(None))
        .options(joinedload(Account.practitioner), joinedload(PractitionerRole.organization))
        .order_by(Account.id)
    )
    return [OneOfSession(account, role, 0) for account, role in found]


async def tell_invited(
    session: AsyncSession, appointment: Appointment, people: Sequence[OneOfSession], *, is_off: bool = False
) -> None:
    """Say to further people when the session is, or that they are asked to it no longer: its number and no more."""
    consult = await session.get_one(ServiceRequest, appointment.service_request_id)
    is_off = is_off or appointment.status is AppointmentStatus.CANCELLED
    for one in people:
        await add_notice(
            session,
            Person(one.account, one.role),
            UNINVITED if is_off else INVITED,
            consult_id=consult.id,
            occurrence=uuid.uuid4(),
            happened_at=now(),
            starts_at=None if is_off else appointment.starts_at,
            number=consult.number,
        )
