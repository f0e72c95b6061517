"""Which consults are counted: those of one establishment, submitted within some days, perhaps of one service."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import CTE, ColumnElement, Float, SQLColumnExpression, and_, case, cast, extract, func, or_, select

from teleconsult.audit.models import AuditEvent
from teleconsult.consults.models import (
    AWAITING_INFO,
    ConsultMode,
    FollowUp,
    RequestStatus,
    ServiceRequest,
    Task,
    TaskStatus,
)
from teleconsult.consults.promises import USUAL
from teleconsult.directory.models import HealthcareService
from teleconsult.notes.models import Composition
from teleconsult.scheduling.models import Appointment, AppointmentStatus

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
    """One row a consult that is counted, emergencies apart: when it was submitted, accepted, signed, how it was held.

    `ended_at` is when waiting for an answer ended without one: it was called off. Null while it is waited for. What is
    told of it elsewhere is gathered once for all of them, and joined: asked consult by consult it takes ten times as
    long.
    """
    base = (
        select(
            ServiceRequest.id,
            ServiceRequest.service_id,
            ServiceRequest.requester_organization_id.label("asking_id"),
            ServiceRequest.mode,
            ServiceRequest.status,
            ServiceRequest.submitted_at,
            case((ServiceRequest.status == RequestStatus.REVOKED, ServiceRequest.updated_at)).label("ended_at"),
            (_promised_hours() * HOUR).label("hours"),
            ServiceRequest.held_for,
        )
        .join(HealthcareService, HealthcareService.id == ServiceRequest.service_id)
        .where(scope.counts(), ServiceRequest.mode != ConsultMode.EMERGENCY)
        .cte("base")
        .prefix_with("materialized", dialect="postgresql")
    )
    among = select(base.c.id)
    accepted = (
        select(AuditEvent.entity_id.label("id"), func.min(AuditEvent.recorded_at).label("at"))
        .where(AuditEvent.action == ACCEPTED, AuditEvent.outcome == "success", AuditEvent.entity_id.in_(among))
        .group_by(AuditEvent.entity_id)
        .subquery("accepted")
    )
    signed = (
        select(Composition.service_request_id.label("id"), func.min(Composition.signed_at).label("at"))
        .where(Composition.signed_at.is_not(None), Composition.service_request_id.in_(among))
        .group_by(Composition.service_request_id)
        .subquery("signed")
    )
    waits = (
        select(Task.service_request_id.label("id"), Task.modified_at.label("since"))
        .where(
            Task.status == TaskStatus.ON_HOLD,
            Task.business_status == AWAITING_INFO,
            Task.owner_role_id.is_(None),
            Task.service_request_id.in_(among),
        )
        .subquery("waits")
    )
    times = (
        select(
            Appointment.service_request_id.label("id"),
            func.count().filter(Appointment.status == AppointmentStatus.FULFILLED).label("held"),
            func.count().filter(Appointment.status == AppointmentStatus.NOSHOW).label("missed"),
        )
        .where(Appointment.service_request_id.in_(among))
        .group_by(Appointment.service_request_id)
        .subquery("times")
    )
    waited = case((base.c.status == RequestStatus.ON_HOLD, func.now() - waits.c.since))
    held = base.c.held_for + func.coalesce(waited, NO_TIME)
    return (
        select(
            *(base.c.id, base.c.service_id, base.c.asking_id, base.c.mode, base.c.submitted_at, base.c.ended_at),
            (base.c.hours + cast(extract("epoch", held), Float)).label("promised"),
            func.least(accepted.c.at, signed.c.at).label("answered_at"),
            signed.c.at.label("signed_at"),
            func.coalesce(times.c.held, 0).label("held"),
            func.coalesce(times.c.missed, 0).label("missed"),
            FollowUp.journey_avoided,
        )
        .outerjoin(accepted, accepted.c.id == base.c.id)
        .outerjoin(signed, signed.c.id == base.c.id)
        .outerjoin(waits, waits.c.id == base.c.id)
        .outerjoin(times, times.c.id == base.c.id)
        .outerjoin(FollowUp, FollowUp.service_request_id == base.c.id)
        .cte("counted")
    )


def _promised_hours() -> ColumnElement[float]:
    """Hours within which the service promises the first answer."""
    usual = case(dict(USUAL), value=ServiceRequest.priority)
    return func.coalesce(cast(HealthcareService.promises[ServiceRequest.priority].astext, Float), usual)


def seconds(begin: SQLColumnExpression[Any], end: SQLColumnExpression[Any]) -> ColumnElement[float]:
    """From one time to the other; null where one is missing."""
    return cast(extract("epoch", end - begin), Float)


def median(values: ColumnElement[float]) -> ColumnElement[float]:
    """What half of the values stays below."""
    return at_most(0.5, values)


def at_most(share: float, values: ColumnElement[float]) -> ColumnElement[float]:
    """What this share of the values stays below."""
    return func.percentile_cont(share).within_group(values)
