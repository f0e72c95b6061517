"""Whose recordings of sessions."""

from sqlalchemy import and_, exists, false, or_, select
from sqlalchemy.orm import aliased

from teleconsult.access.permissions import Permission
from teleconsult.access.rows.consults import is_permitted
from teleconsult.access.rows.patients import treats
from teleconsult.access.rows.seam import Filter, has, is_role, row_filter
from teleconsult.accounts.actor import Actor
from teleconsult.consults.models import ServiceRequest, Task, TaskStatus
from teleconsult.encounters.models import Encounter
from teleconsult.encounters.recording_models import Recording

_CONSULT, _TASK = aliased(ServiceRequest), aliased(Task)
"""Made once, as those of `patients`."""


@row_filter
def recordings(actor: Actor) -> Filter:
    """Recordings of the actor's own sessions: of the doctor who asked while they treat the patient, of the specialist
    who answers while the patient's consent stands. Never a guest's.
    """
    answers = exists().where(
        _TASK.service_request_id == _CONSULT.id,
        is_role(_TASK.owner_role_id, actor),
        _TASK.status != TaskStatus.REJECTED,
        is_permitted(_CONSULT.id),
    )
    asked = and_(is_role(_CONSULT.requester_role_id, actor), treats(_CONSULT.patient_id, actor))
    own = (
        select(Encounter.id)
        .join(_CONSULT, _CONSULT.id == Encounter.service_request_id)
        .where(Encounter.id == Recording.encounter_id, or_(asked, answers))
    )
    return own.exists() if has(actor, Permission.RECORDING_PLAY) else false()
