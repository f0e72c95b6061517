"""Submitting a request: consent recorded, excerpt frozen, task put to the service, all in one transaction."""

import uuid

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consents.recording import check_basis, record_consent
from teleconsult.consults.drafting import Request, apply_request
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import RequestStatus, ServiceRequest, Task
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import Invalid
from teleconsult.excerpts.freezing import freeze_excerpt
from teleconsult.patients.models import Patient


async def submit_request(
    session: AsyncSession, actor: Actor, *, consult_id: uuid.UUID, request: Request
) -> ServiceRequest:
    """Ask the service. Afterwards the request is active, its task requested, consent and excerpt stand.

    Raises NotFound; Refused when it was submitted before (of two at once, the second); Invalid with one sentence
    for each of `question`, `service`, `consent`, `given_by`, `relationship`, `incapacity`, `reason`, `entries`.
    """
    consult = await consult_for(session, actor, consult_id, lock=True)
    require(consult, actor, Verb.SUBMIT)
    _check(request)
    await apply_request(session, consult, request)
    assert request.service_id is not None  # checked above
    patient = await session.get_one(Patient, consult.patient_id)
    await freeze_excerpt(session, actor, consult_id=consult.id, patient=patient, entries=request.entries)
    await record_consent(
        session,
        actor,
        patient_id=patient.id,
        consult_id=consult.id,
        basis=request.consent.basis,
        given_by=request.consent.given_by,
        relationship=request.consent.relationship,
        incapacity=request.consent.incapacity,
    )
    moment = now()
    consult.status, consult.submitted_at, consult.updated_at = RequestStatus.ACTIVE, moment, moment
    consult.draft = {}
    session.add(
        Task(service_request_id=consult.id, service_id=request.service_id, created_at=moment, modified_at=moment)
    )
    audit.record(session, actor, "consult-submitted", consult, patient_id=patient.id, priority=request.priority.value)
    await session.flush()
    consult = await consult_for(session, actor, consult_id)
    await tell_consult(session, "ConsultSubmitted", consult)
    return consult


def _check(request: Request) -> None:
    wrong: dict[str, str] = {}
    if not request.question.strip():
        wrong |= Invalid({"question": "Write the question you want answered."}).fields
    if request.service_id is None:
        wrong |= Invalid({"service": "Choose the service you want to ask."}).fields
    if not request.consent.given:
        wrong |= Invalid({"consent": "Record the consent: without it nothing may be shared."}).fields
    try:
        said = request.consent
        check_basis(said.basis, said.given_by, said.relationship, said.incapacity)
    except Invalid as error:
        wrong |= error.fields
    if wrong:
        raise Invalid(wrong)
