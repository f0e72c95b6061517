"""Which consults are counted: those of one establishment, submitted within some days, perhaps of one service."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Float, SQLColumnExpression, and_, case, cast, extract, func, or_, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import AWAITING_INFO, ConsultMode, RequestStatus, ServiceRequest, Task, TaskStatus
from teleconsult.consults.promises import USUAL
from teleconsult.directory.models import HealthcareService
from teleconsult.notes.models import Composition

PERIODS: Final = (30, 90, 365)
"""Days that can be looked back."""
HOUR: Final = 3600
NO_TIME: Final = timedelta(0)
ACCEPTED: Final = "consult-accepted"
"""The act that is the first answer, as the audit log calls it: a Task keeps the time of its last change alone."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`house` asked or answered; `until` is excluded."""

    house: uuid.UUID
    since: datetime
    until: datetime
    service_id: uuid.UUID | None = None

    @classmethod
    def of_days(cls, house: uuid.UUID, days: int, *, until: datetime, service_id: uuid.UUID | None) -> "Scope":
        """The last so many days."""
        return cls(house, until - timedelta(days=days), until, service_id)

    def counts(self) -> ColumnElement[bool]:
        """Of a ServiceRequest joined with its service: whether it is counted."""
        mine = or_(
            ServiceRequest.requester_organization_id == self.house, HealthcareService.organization_id == self.house
        )
        within = ServiceRequest.submitted_at >= self.since, ServiceRequest.submitted_at < self.until
        of_service = () if self.service_id is None else (ServiceRequest.service_id == self.service_id,)
        return and_(mine, *within, *of_service)


def counted(scope: Scope) -> CTE:
    """One row a consult that is counted, emergencies apart: when it was submitted, accepted, signed.

    `ended_at` is when waiting for an answer ended without one: it was called off. Null while it is waited for.
    """
    accepted = (
        select(func.min(AuditEvent.recorded_at))
        .where(
            AuditEvent.entity_id == ServiceRequest.id,
            AuditEvent.outcome == "success",
            AuditEvent.action == ACCEPTED,
        )
        .scalar_subquery()
    )
    signed = (
        select(func.min(Composition.signed_at))
        .where(Composition.service_request_id == ServiceRequest.id)
        .scalar_subquery()
    )
    return (
        select(
            ServiceRequest.id,
            ServiceRequest.service_id,
            ServiceRequest.requester_organization_id.label("asking_id"),
            ServiceRequest.mode,
            ServiceRequest.submitted_at,
            case((ServiceRequest.status == RequestStatus.REVOKED, ServiceRequest.updated_at)).label("ended_at"),
            _promised().label("promised"),
            func.least(accepted, signed).label("answered_at"),
            signed.label("signed_at"),
        )
        .join(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
        .where(scope.counts(), ServiceRequest.mode != ConsultMode.EMERGENCY)
        .cte("counted")
    )


def _promised() -> ColumnElement[float]:
    """Seconds within which the first answer is due: what the service promises, and what the asker was waited for."""
    usual = case(dict(USUAL), value=ServiceRequest.priority)
    hours = func.coalesce(cast(HealthcareService.promises[ServiceRequest.priority].astext, Float), usual)
    since = (
        select(Task.modified_at)
        .where(
            Task.service_request_id == ServiceRequest.id,
            Task.status == TaskStatus.ON_HOLD,
            Task.business_status == AWAITING_INFO,
            Task.owner_role_id.is_(None),
        )
        .scalar_subquery()
    )
    waits = case((ServiceRequest.status == RequestStatus.ON_HOLD, func.now() - since))
    held = ServiceRequest.held_for + func.coalesce(waits, NO_TIME)
    return hours * HOUR + cast(extract("epoch", held), Float)


def seconds(begin: SQLColumnExpression[Any], end: SQLColumnExpression[Any]) -> ColumnElement[float]:
    """From one time to the other; null where one is missing."""
    return cast(extract("epoch", end - begin), Float)


def median(values: ColumnElement[float]) -> ColumnElement[float]:
    """What half of the values stays below."""
    return at_most(0.5, values)


def at_most(share: float, values: ColumnElement[float]) -> ColumnElement[float]:
    """What this share of the values stays below."""
    return func.percentile_cont(share).within_group(values)
