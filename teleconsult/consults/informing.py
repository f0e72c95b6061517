"""More information is wanted before the work goes on; once it is given, it goes on where it stood."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.conversing import say
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import (
    AWAITING_INFO,
    CommunicationCategory,
    ConsultMode,
    RequestStatus,
    ServiceRequest,
    Task,
    TaskStatus,
)
from teleconsult.consults.promises import end_wait
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require


async def ask_for_information(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, text: str
) -> ServiceRequest:
    """Ask the requester for more: request and task are on hold until they answer, and the service's clock stands.

    Raises NotFound, Forbidden, Refused when something is wanted already, Invalid on `text`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.ASK_FOR_INFORMATION)
    say(session, actor, consult, CommunicationCategory.INFORMATION_WANTED, text)
    assert consult.task is not None, "a state in which something may be wanted has an open task"
    task, moment = consult.task, now()
    task.status, task.business_status, task.modified_at = TaskStatus.ON_HOLD, AWAITING_INFO, moment
    consult.status, consult.updated_at = RequestStatus.ON_HOLD, moment
    audit.record(session, actor, "information-wanted", consult, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultInformationWanted", consult, by=actor.role_id)
    return consult


async def give_information(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, text: str) -> ServiceRequest:
    """Answer what was wanted: with who accepted the work goes on, else the request is in triage.

    Raises NotFound, Forbidden for who did not ask for the consult, Refused, Invalid on `text`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.GIVE_INFORMATION)
    say(session, actor, consult, CommunicationCategory.INFORMATION_GIVEN, text)
    assert consult.task is not None, "what is on hold has an open task"
    task, moment = consult.task, now()
    end_wait(consult, at=moment)
    task.status, task.business_status, task.modified_at = _status_before(consult, task), "", moment
    consult.status, consult.updated_at = RequestStatus.ACTIVE, moment
    audit.record(session, actor, "information-given", consult, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultInformationGiven", consult, by=actor.role_id)
    return consult


def _status_before(consult: ServiceRequest, task: Task) -> TaskStatus:
    if task.owner_role_id is None:
        return TaskStatus.RECEIVED
    return TaskStatus.IN_PROGRESS if consult.mode is ConsultMode.ADVICE else TaskStatus.ACCEPTED
