"""The lists people work from: the requester's own, the specialist's, the coordinator's board."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

from sqlalchemy import ColumnElement, Select, and_, case, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import CLOSED_TASKS, RequestPriority, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.queries import whole
from teleconsult.directory.models import HealthcareService, Organization
from teleconsult.errors import NotFound

MOST_ON_BOARD: Final = 500
MOST_ON_WORKLIST: Final = 200
PAGE: Final = 30

_URGENCY: Final = case(
    {priority: rank for rank, priority in enumerate(reversed(RequestPriority))}, value=ServiceRequest.priority
)
"""0 for the most urgent."""


class Standing(StrEnum):
    """What a list of consults can be narrowed to."""

    DRAFT = "draft"
    OPEN = "open"
    ANSWERED = "answered"
    CLOSED = "closed"


_STANDING: Final[dict[Standing, ColumnElement[bool]]] = {
    Standing.DRAFT: ServiceRequest.status == RequestStatus.DRAFT,
    Standing.OPEN: and_(
        ServiceRequest.status.in_((RequestStatus.ACTIVE, RequestStatus.ON_HOLD)),
        ~ServiceRequest.tasks.any(Task.status == TaskStatus.COMPLETED),
    ),
    Standing.ANSWERED: and_(
        ServiceRequest.status == RequestStatus.ACTIVE, ServiceRequest.tasks.any(Task.status == TaskStatus.COMPLETED)
    ),
    Standing.CLOSED: ServiceRequest.status.in_(
        (RequestStatus.COMPLETED, RequestStatus.REVOKED, RequestStatus.ENTERED_IN_ERROR)
    ),
}


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page of consults ended: everything authored earlier comes next."""

    authored_on: datetime
    consult_id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.authored_on.isoformat()}_{self.consult_id}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """What `str` wrote. Raises NotFound for anything else."""
        moment, _, consult_id = text.partition("_")
        try:
            cursor = cls(datetime.fromisoformat(moment), uuid.UUID(consult_id))
        except ValueError as error:
            raise NotFound from error
        if cursor.authored_on.tzinfo is None:
            raise NotFound
        return cursor


async def consults_page(
    session: AsyncSession, actor: Actor, *, standing: Standing | None = None, before: Cursor | None = None
) -> tuple[Sequence[ServiceRequest], Cursor | None]:
    """Thirty of the consults that exist for the actor, latest first, and where the next thirty begin."""
    query = select(ServiceRequest).where(rows.consults(actor)).options(*whole())
    if standing is not None:
        query = query.where(_STANDING[standing])
    if before is not None:
        query = query.where(
            tuple_(ServiceRequest.authored_on, ServiceRequest.id) < tuple_(before.authored_on, before.consult_id)
        )
    query = query.order_by(ServiceRequest.authored_on.desc(), ServiceRequest.id.desc()).limit(PAGE + 1)
    found = (await session.scalars(query)).all()
    last = found[PAGE - 1] if len(found) > PAGE else None
    return found[:PAGE], Cursor(last.authored_on, last.id) if last else None


async def consults_about(
    session: AsyncSession, actor: Actor, *, patient_ids: Sequence[uuid.UUID]
) -> Sequence[ServiceRequest]:
    """The ten latest consults about these patients, of those that exist for the actor."""
    query = (
        select(ServiceRequest)
        .where(ServiceRequest.patient_id.in_(patient_ids), rows.consults(actor))
        .order_by(ServiceRequest.authored_on.desc(), ServiceRequest.id.desc())
        .limit(10)
        .options(*whole())
    )
    return (await session.scalars(query)).all()


async def own_requests(session: AsyncSession, actor: Actor) -> Sequence[ServiceRequest]:
    """The requester's drafts and everything of theirs that is not closed, latest first, at most 200."""
    query = select(ServiceRequest).where(
        rows.requests(actor),
        ServiceRequest.status.in_((RequestStatus.DRAFT, RequestStatus.ACTIVE, RequestStatus.ON_HOLD)),
    )
    return await _listed(session, query.order_by(ServiceRequest.authored_on.desc()))


async def specialist_worklist(session: AsyncSession, actor: Actor) -> Sequence[ServiceRequest]:
    """What waits for this specialist: asked of their service and not yet accepted (nor declined by them), or theirs.

    The most urgent first, then who has waited longest; at most 200.
    """
    declined = aliased(Task)
    declined_by_them = (
        select(declined.id)
        .where(
            declined.service_request_id == Task.service_request_id,
            declined.owner_role_id == actor.role_id,
            declined.status == TaskStatus.REJECTED,
        )
        .exists()
    )
    query = (
        select(ServiceRequest)
        .join(Task, Task.service_request_id == ServiceRequest.id)
        .where(
            ServiceRequest.status.in_((RequestStatus.ACTIVE, RequestStatus.ON_HOLD)),
            Task.status != TaskStatus.COMPLETED,
            or_(rows.owned_tasks(actor), and_(rows.open_tasks(actor), ~declined_by_them)),
        )
    )
    return await _listed(session, query.order_by(_URGENCY, ServiceRequest.submitted_at))


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """What the board is narrowed to; `text` is a consult's number, or words of its question."""

    service_id: uuid.UUID | None = None
    priority: RequestPriority | None = None
    organization_id: uuid.UUID | None = None
    """Who asks."""
    text: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """As SQL: all of them hold."""
        found: list[ColumnElement[bool]] = []
        if self.service_id is not None:
            found.append(Task.service_id == self.service_id)
        if self.priority is not None:
            found.append(ServiceRequest.priority == self.priority)
        if self.organization_id is not None:
            found.append(ServiceRequest.requester_organization_id == self.organization_id)
        if self.text.isdecimal() and len(self.text) < 15:
            found.append(ServiceRequest.number == int(self.text))
        elif self.text:
            found.append(ServiceRequest.question.icontains(self.text, autoescape=True))
        return found


async def coordinator_board(
    session: AsyncSession, actor: Actor, *, asked: BoardQuery | None = None
) -> Sequence[ServiceRequest]:
    """Everything asked of the coordinator's establishment whose note is still awaited, urgent first; at most 500."""
    query = _on_board(select(ServiceRequest), actor).where(*(asked or BoardQuery()).conditions())
    return await _listed(session, query.order_by(_URGENCY, ServiceRequest.submitted_at), MOST_ON_BOARD)


async def houses_on_board(session: AsyncSession, actor: Actor) -> Sequence[Organization]:
    """Whose requests are on the board, by name."""
    asking = _on_board(select(ServiceRequest.requester_organization_id), actor)
    found = await session.scalars(
        select(Organization).where(Organization.id.in_(asking)).order_by(Organization.name, Organization.id)
    )
    return found.all()


def _on_board(query: Select[Any], actor: Actor) -> Select[Any]:
    return query.join(Task, Task.service_request_id == ServiceRequest.id).where(
        ServiceRequest.status.in_((RequestStatus.ACTIVE, RequestStatus.ON_HOLD)),
        Task.service_id.in_(select(HealthcareService.id).where(rows.services(actor))),
        Task.status.not_in((*CLOSED_TASKS, TaskStatus.COMPLETED)),
    )


async def _listed(
    session: AsyncSession, query: Select[ServiceRequest], limit: int = MOST_ON_WORKLIST
) -> Sequence[ServiceRequest]:
    return (await session.scalars(query.limit(limit).options(*whole()))).all()
