"""What follows the answer, and what may be said meanwhile: rung on, called off, decided, and why nobody was asked."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import Permission, require
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.clock import now
from teleconsult.consults import states
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import ConsultState, Verb
from teleconsult.consults.triage import cancel_consult
from teleconsult.db import act_as
from teleconsult.emergencies.models import Decision, Emergency, EmergencyPage
from teleconsult.emergencies.paging import page_next, running_emergency
from teleconsult.errors import Invalid, NotFound, Refused

SHORTEST: Final = 10
LONGEST: Final = 1000
PAUSE: Final = timedelta(minutes=1)


async def ring_on(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID) -> Emergency:
    """Do not wait for the next one's turn: ring them now. Where nobody was left, everybody is rung anew.

    Who declined is not rung again. For who asked, and for coordinators. Raises NotFound, Refused once answered, and
    where everybody was called anew less than `PAUSE` ago.
    """
    consult = await consult_for(session, actor, consult_id)
    found = await _emergency(session, consult.id)
    if consult.requester_role_id != actor.role_id:
        require(actor, Permission.CONSULT_TRIAGE)
    await act_as(session, SYSTEM)
    emergency, consult = await running_emergency(session, found.id)
    if emergency.ended_at is not None or states.state_of(consult) is not ConsultState.EMERGENCY:
        raise Refused("Somebody has answered, or it was called off.")
    if emergency.next_at is None:
        await _check_pause(session, emergency)
        emergency.round += 1
    audit.record(session, actor, "emergency-rung-on", emergency, patient_id=consult.patient_id)
    await page_next(session, emergency, consult)
    await session.flush()
    await act_as(session, actor)
    return emergency


async def call_off(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str) -> ServiceRequest:
    """Nobody is needed any more: the consult is cancelled and every device falls silent.

    Raises as `cancel_consult` does: NotFound, Forbidden, Refused once somebody has answered, Invalid without a reason.
    NotFound of an ordinary consult, too.
    """
    await _emergency(session, (await consult_for(session, actor, consult_id)).id)
    return await cancel_consult(session, actor, consult_id=consult_id, reason=reason)


async def note_decision(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, decision: str, note: str = ""
) -> Emergency:
    """Say what is done with the patient. It may change until the note is signed; the time is that of the first.

    Raises NotFound, Forbidden for who did not answer, Refused, Invalid on `decision` and `note`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    states.require(consult, actor, Verb.DECIDE)
    emergency = await _emergency(session, consult.id)
    if decision not in set(Decision):
        raise Invalid({"decision": "Choose what was decided."})
    note = " ".join(note.split())
    if len(note) > LONGEST:
        raise Invalid({"note": "Say it in fewer words."})
    emergency.decision, emergency.decision_note = Decision(decision), note
    emergency.decided_at, emergency.decided_by_id = emergency.decided_at or now(), actor.role_id
    audit.record(session, actor, "emergency-decided", emergency, patient_id=consult.patient_id, decision=decision)
    await session.flush()
    await tell_consult(session, "ConsultEmergencyDecided", consult)
    return emergency


async def note_necessity(session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, reason: str) -> Emergency:
    """Say afterwards, in one's own words, why nobody could be asked for consent. Once.

    Who can be asked later confirms the consent as ever (`consents.confirming`). Raises NotFound, Forbidden for who did
    not ask, Refused the second time, Invalid on `reason`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    states.require(consult, actor, Verb.CONFIRM_CONSENT)
    emergency = await _emergency(session, consult.id)
    if emergency.necessity:
        raise Refused("This was noted already.")
    words = reason.strip()
    if not SHORTEST <= len(words) <= LONGEST:
        raise Invalid({"reason": "Say in your own words why, in 10 to 1,000 characters."})
    emergency.necessity, emergency.necessity_noted_at = words, now()
    audit.record(session, actor, "emergency-necessity-noted", emergency, patient_id=consult.patient_id)
    await session.flush()
    return emergency


async def note_images_seen(session: AsyncSession, actor: Actor, *, consult_ids: Sequence[uuid.UUID]) -> None:
    """Who answered has images of these consults before them: the first time is kept. Of anyone else nothing is."""
    if not consult_ids or actor.role_id is None:
        return
    found = await session.scalars(
        select(Emergency).where(
            Emergency.service_request_id.in_(consult_ids),
            Emergency.answered_by_id == actor.role_id,
            Emergency.images_at.is_(None),
        )
    )
    for emergency in found:
        emergency.images_at = now()
    await session.flush()


async def _check_pause(session: AsyncSession, emergency: Emergency) -> None:
    begun = select(func.min(EmergencyPage.paged_at)).where(
        EmergencyPage.emergency_id == emergency.id, EmergencyPage.round == emergency.round, EmergencyPage.round > 1
    )
    begun_at = await session.scalar(begun)
    if begun_at is not None and begun_at > now() - PAUSE:
        raise Refused("Everybody was called less than a minute ago. Telephone, or press again in a minute.")


async def _emergency(session: AsyncSession, consult_id: uuid.UUID) -> Emergency:
    found = await session.scalar(select(Emergency).where(Emergency.service_request_id == consult_id))
    if found is None:
        raise NotFound
    return found
