"""Whose team meetings: those of a coordinator's establishment, and those a specialist is a member of."""

import uuid
from datetime import timedelta
from typing import Final

from sqlalchemy import and_, exists, false
from sqlalchemy.orm import aliased

from teleconsult.access.rows.seam import Filter, Id, is_house, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.db import asked_at
from teleconsult.directory.models import RoleCode
from teleconsult.meetings.models import STANDING, CaseStatus, Meeting, MeetingCase, MeetingMember
from teleconsult.scheduling.models import Appointment, AppointmentStatus

KEPT: Final = timedelta(days=7)
"""For so long after a meeting its members still see the cases on its list."""
IN_ROOM: Final = (CaseStatus.CALLED, CaseStatus.DISCUSSED)
_HELD, _PLANNED, _TURN = aliased(Meeting), aliased(Appointment), aliased(Appointment)
"""Made once, as those of `patients`."""


@row_filter
def meetings(actor: Actor) -> Filter:
    """Meetings of the actor's house for who coordinates; for a specialist those they are a member of."""
    match actor.role:
        case RoleCode.COORDINATOR:
            return is_house(Meeting.organization_id, actor)
        case RoleCode.SPECIALIST:
            return exists().where(
                MeetingMember.meeting_id == Meeting.id, is_role(MeetingMember.practitioner_role_id, actor)
            )
        case _:
            return false()


@row_filter
def meets_over(consult_id: Id | uuid.UUID, role_id: Id | uuid.UUID, *, is_called: bool = False) -> Filter:
    """The role is a member of a meeting on whose list the consult stands; with `is_called`, where its turn has come."""
    return exists().where(
        MeetingCase.service_request_id == consult_id,
        MeetingCase.status.in_(IN_ROOM if is_called else STANDING),
        _HELD.id == MeetingCase.meeting_id,
        and_(_PLANNED.id == _HELD.appointment_id, _PLANNED.status != AppointmentStatus.CANCELLED),
        and_(_TURN.id == MeetingCase.appointment_id, _TURN.status != AppointmentStatus.CANCELLED),
        _PLANNED.ends_at > asked_at(less=KEPT),
        MeetingMember.meeting_id == _HELD.id,
        MeetingMember.practitioner_role_id == role_id,
    )
