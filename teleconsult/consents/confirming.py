"""Who could not be asked agrees later: their word takes over from the one that was given for them."""

import uuid
from collections.abc import Mapping
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.consents.models import Consent, ConsentBasis, ConsentStatus, Incapacity
from teleconsult.consents.recording import check_basis, record_consent
from teleconsult.consults.events import tell_consult
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Invalid, Refused

CONFIRMED_BY: Final[Mapping[ConsentBasis, tuple[ConsentBasis, ...]]] = {
    ConsentBasis.NECESSITY: (ConsentBasis.PATIENT, ConsentBasis.REPRESENTATIVE),
    ConsentBasis.REPRESENTATIVE: (ConsentBasis.PATIENT,),
    ConsentBasis.PATIENT: (),
}
"""Whose word takes over from whose."""


async def confirm_consent(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    basis: ConsentBasis,
    given_by: str = "",
    relationship: str = "",
    incapacity: Incapacity | None = None,
) -> Consent:
    """The patient agrees to what was decided for them, or after necessity a representative does: the new consent.

    The earlier one is over and stays as it was said. Who refuses withdraws it (`withdrawing.withdraw_consent`).

    Raises NotFound, Forbidden for the other side; Refused after a withdrawal, and where the patient agreed already;
    Invalid on `basis` where it cannot take over, and on the words it needs.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.CONFIRM_CONSENT)
    earlier = await session.scalar(
        select(Consent).where(Consent.service_request_id == consult.id, Consent.status == ConsentStatus.ACTIVE)
    )
    if earlier is None:
        raise Refused("The consent was withdrawn. If the patient agrees after all, send a new request.")
    if not CONFIRMED_BY[earlier.basis]:
        raise Refused("The patient has agreed already.")
    if basis not in CONFIRMED_BY[earlier.basis]:
        raise Invalid({"basis": "Choose who agrees now."})
    check_basis(basis, given_by, relationship, incapacity)
    earlier.status = ConsentStatus.INACTIVE
    await session.flush()  # only one stands at a time
    consent = await record_consent(
        session,
        actor,
        patient_id=consult.patient_id,
        consult_id=consult.id,
        basis=basis,
        given_by=given_by,
        relationship=relationship,
        incapacity=incapacity,
        confirms=earlier,
    )
    audit.record(session, actor, "consent-confirmed", consult, patient_id=consult.patient_id, basis=basis)
    await tell_consult(session, "ConsultConsentConfirmed", consult)
    return consent
