"""What a service promises: hours until its first answer, by urgency. And how a request stands with that promise."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission
from teleconsult.access import require as require_permission
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import AWAITING_INFO, RequestPriority, ServiceRequest
from teleconsult.consults.states import WAITING, ConsultState, state_of
from teleconsult.directory.models import HealthcareService
from teleconsult.directory.services import service_here
from teleconsult.errors import Invalid

USUAL: Final[Mapping[RequestPriority, int]] = {
    RequestPriority.ROUTINE: 72,
    RequestPriority.URGENT: 24,
    RequestPriority.ASAP: 4,
    RequestPriority.STAT: 1,
}
"""Hours, where an establishment says nothing else."""
LONGEST_PROMISE: Final = 24 * 60
"""Hours: two months."""
LONGEST_WAIT: Final = 365
"""Days until what became of it is asked."""
SHORT: Final = 0.25
"""The part of the promised time that is left when a request is `due`."""


class Standing(StrEnum):
    """How a request stands with what was promised."""

    IN_TIME = "in-time"
    DUE = "due"
    LATE = "late"
    HELD = "held"
    """The requester is asked for more: the clock stands."""
    MET = "met"


@dataclass(frozen=True, slots=True)
class Promise:
    """Until when a first answer was promised, and how that stands; `since` when the wait began, while it is held."""

    standing: Standing
    until: datetime | None = None
    since: datetime | None = None


def hours_of(service: HealthcareService, priority: RequestPriority) -> int:
    """Hours to the first answer."""
    return int(service.promises.get(priority.value, USUAL[priority]))


def promise_of(consult: ServiceRequest, *, at: datetime) -> Promise:
    """How the request stands at that moment. Needs what `state_of` needs, and the service.

    The first answer is the acceptance. While more information is wanted the clock stands.
    """
    state = state_of(consult)
    if state is ConsultState.AWAITING_INFO and consult.task is not None:
        return Promise(Standing.HELD, since=consult.task.modified_at)
    if state not in (*WAITING, ConsultState.EMERGENCY) or consult.service is None or consult.submitted_at is None:
        return Promise(Standing.MET)
    promised = timedelta(hours=hours_of(consult.service, consult.priority))
    until = consult.submitted_at + consult.held_for + promised
    if at >= until:
        return Promise(Standing.LATE, until)
    return Promise(Standing.DUE if until - at < promised * SHORT else Standing.IN_TIME, until)


def end_wait(consult: ServiceRequest, *, at: datetime) -> None:
    """The requester is waited for no more: what they took is no fault of the service's. Part of the act that ends it.

    Once somebody has accepted, the first answer is given, and no wait changes when it was due.
    """
    task = consult.task
    if task is not None and task.business_status == AWAITING_INFO and task.owner_role_id is None:
        consult.held_for += at - task.modified_at


async def set_promises(
    session: AsyncSession,
    actor: Actor,
    *,
    service_id: uuid.UUID,
    hours: Mapping[RequestPriority, int | None],
    follow_up_days: int | None,
) -> HealthcareService:
    """Say what a service of the actor's establishment promises; open requests stand by it from now on.

    Raises NotFound, for who does not administer it too; Invalid on each priority's code and on `follow_up_days`.
    """
    require_permission(actor, Permission.ADMINISTRATION)
    service = await service_here(session, actor, service_id, lock=True)
    wrong: dict[str, str] = {}
    for priority in RequestPriority:
        if not 1 <= (hours.get(priority) or 0) <= LONGEST_PROMISE:
            wrong[priority.value] = "Give hours, from 1 to 1,440."
    if follow_up_days is None or not 1 <= follow_up_days <= LONGEST_WAIT:
        wrong["follow_up_days"] = "Give days, from 1 to 365."
    if wrong or follow_up_days is None:
        raise Invalid(wrong)
    service.promises = {priority.value: hours[priority] for priority in RequestPriority}
    service.follow_up_days = follow_up_days
    audit.record(session, actor, "service-promise-set", service, follow_up_days=follow_up_days, **service.promises)
    await session.flush()
    return service
