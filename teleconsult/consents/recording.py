"""Recording a consent, and asking whether it still holds."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.models import Consent, ConsentBasis, Incapacity
from teleconsult.errors import Invalid

LONGEST = 500


async def record_consent(
    session: AsyncSession,
    actor: Actor,
    *,
    patient_id: uuid.UUID,
    consult_id: uuid.UUID,
    basis: ConsentBasis,
    given_by: str = "",
    relationship: str = "",
    incapacity: Incapacity | None = None,
    confirms: Consent | None = None,
) -> Consent:
    """Note that an excerpt may be shared with the specialists of one consult, and who said so (FHIR R4 Consent).

    `given_by` is the representative's name, or for necessity the reason why it could not wait. The caller has
    looked the consult up through the actor, and ended the consent that this one `confirms`. Raises Invalid where the
    basis needs words that are missing.
    """
    check_basis(basis, given_by, relationship, incapacity)
    is_for_another = basis is ConsentBasis.REPRESENTATIVE
    consent = Consent(
        id=uuid.uuid4(),
        patient_id=patient_id,
        service_request_id=consult_id,
        basis=basis,
        given_by="" if basis is ConsentBasis.PATIENT else given_by.strip(),
        relationship_to_patient=relationship.strip() if is_for_another else "",
        incapacity=incapacity if is_for_another else None,
        confirms_id=confirms.id if confirms else None,
        recorded_by_id=actor.role_id,
        recorded_at=now(),
    )
    session.add(consent)
    audit.record(session, actor, "consent-recorded", consent, patient_id=patient_id, consult=consult_id, basis=basis)
    await session.flush()
    return consent


def check_basis(basis: ConsentBasis, given_by: str, relationship: str, incapacity: Incapacity | None) -> None:
    """Raise Invalid on `given_by`, `relationship`, `incapacity` or `reason` where the basis needs them."""
    missing: dict[str, str] = {}
    if basis is ConsentBasis.REPRESENTATIVE:
        if not given_by.strip():
            missing |= Invalid({"given_by": "Say who agreed for the patient."}).fields
        if not relationship.strip():
            missing |= Invalid({"relationship": "Say what this person is to the patient."}).fields
        if incapacity is None:
            missing |= Invalid({"incapacity": "Say why the patient does not decide."}).fields
    if basis is ConsentBasis.NECESSITY and not given_by.strip():
        missing |= Invalid({"reason": "Say why nobody could be asked and it cannot wait."}).fields
    if max(len(given_by), len(relationship)) > LONGEST:
        missing |= Invalid({"consent": "Keep names and reasons under 500 characters."}).fields
    if missing:
        raise Invalid(missing)


async def consent_of(session: AsyncSession, consult_id: uuid.UUID) -> Consent | None:
    """The consent given last for a consult that was looked up through the actor, whether or not it stands."""
    return await session.scalar(
        select(Consent).where(Consent.service_request_id == consult_id).order_by(Consent.recorded_at.desc()).limit(1)
    )


async def permits(session: AsyncSession, consult_id: uuid.UUID) -> bool:
    """Whether a consent for this consult stands."""
    return bool(await session.scalar(select(rows.is_permitted(consult_id))))
