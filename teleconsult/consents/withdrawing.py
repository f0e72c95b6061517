"""The patient takes their consent back: what rests on it stops at once."""

import uuid
from typing import Final

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentStatus
from teleconsult.consults.answering import checked_reason
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import UNSIGNED, ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import BEFORE_SESSION, UNHELD, ConsultState, Verb, require, state_of
from teleconsult.consults.triage import call_off
from teleconsult.encounters.actions import finish_encounter
from teleconsult.errors import Refused
from teleconsult.events import tell
from teleconsult.excerpts.revoking import stop_sharing
from teleconsult.scheduling.models import AppointmentStatus

NOT_HELD: Final = (*BEFORE_SESSION, ConsultState.EMERGENCY, ConsultState.AWAITING_INFO, *UNHELD)
"""There was no session yet: without the consent there is no consult."""


async def withdraw_consent(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str
) -> ServiceRequest:
    """The patient no longer agrees to this consult (FHIR R4 Consent.status inactive), told by who treats them.

    Nobody of the other side reads the excerpt or its images any more, and the room closes. A session not held yet is
    cancelled with the whole consult; one under way is over. What was signed stays in the file, and what was said in a
    session can still be written down. It cannot be given again: who agrees after all is asked with a new consult.

    Raises NotFound, Forbidden for the other side, Invalid without a reason, Refused the second time.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.WITHDRAW_CONSENT)
    reason, moment = checked_reason(reason), now()
    withdrawn = await session.scalars(
        update(Consent)
        .where(Consent.service_request_id == consult.id, Consent.status == ConsentStatus.ACTIVE)
        .values(
            status=ConsentStatus.INACTIVE,
            withdrawn_at=moment,
            withdrawn_by_id=actor.role_id,
            withdrawal_reason=reason,
        )
        .returning(Consent.id)
    )
    if not withdrawn.all():
        raise Refused("The consent was withdrawn already.")
    await stop_sharing(session, actor, consult_id=consult.id, reason=reason)
    state = state_of(consult)
    if state in NOT_HELD:
        await call_off(session, actor, consult, reason=reason)
    if state is ConsultState.IN_SESSION:
        _break_off(consult)
    if state in (ConsultState.IN_SESSION, ConsultState.UNSIGNED):
        await finish_encounter(session, actor, consult_id=consult.id)
    audit.record(session, actor, "consent-withdrawn", consult, patient_id=consult.patient_id)
    await session.flush()
    await tell_consult(session, "ConsultConsentWithdrawn", consult)
    await tell(session, "AccessChanged", consult=consult.id)
    return consult


def _break_off(consult: ServiceRequest) -> None:
    """The session is over, and its note awaited, as when the specialist leaves."""
    assert consult.task is not None and consult.appointment is not None, "a session has both"
    consult.task.business_status, consult.task.modified_at = UNSIGNED, now()
    consult.appointment.status = AppointmentStatus.FULFILLED
