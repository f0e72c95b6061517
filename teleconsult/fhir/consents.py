"""A consent as FHIR R4 (http://hl7.org/fhir/R4/consent.html), read and searched by who reads the patient's file."""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.consents.models import Consent, ConsentBasis, ConsentStatus
from teleconsult.consults.models import ServiceRequest
from teleconsult.directory.models import HealthcareService, Organization
from teleconsult.errors import NotFound
from teleconsult.fhir.asking import Answered, Asked, is_known
from teleconsult.fhir.bundles import searchset
from teleconsult.fhir.outcomes import BadSearch
from teleconsult.fhir.questions import Grammar, Question, moment_after, read_question
from teleconsult.fhir.reading import uuid_in
from teleconsult.fhir.requests import version_at
from teleconsult.fhir.searching import Position, alternatives, ids_in, token_of, within
from teleconsult.fhir.tracing import trace_files
from teleconsult.patients.models import Patient

KIND: Final = "Consent"
GRAMMAR: Final = Grammar(
    parameters={
        "_id": "token",
        "patient": "reference",
        "patient:Patient": "reference",
        "status": "token",
        "date": "date",
    },
    sorts={"date": "date"},
)
_CODES: Final = "http://terminology.hl7.org/CodeSystem"
SCOPE: Final = {"coding": [{"system": f"{_CODES}/consentscope", "code": "patient-privacy"}]}
CATEGORY: Final = {"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}
OPT_IN: Final = {"coding": [{"system": f"{_CODES}/v3-ActCode", "code": "OPTIN"}]}
RECIPIENT: Final = {"coding": [{"system": f"{_CODES}/v3-ParticipationType", "code": "IRCP"}]}
_REASONS: Final = f"{_CODES}/v3-ActReason"


def consent_resource(consent: Consent, recipient: Organization | None) -> dict[str, Any]:
    """The resource; the patient with their establishment, and what took over from it, must be loaded.

    `recipient` is the establishment that was asked; None where the consult is not the reader's to see.
    """
    patient = {"reference": f"Patient/{consent.patient_id}"}
    resource: dict[str, Any] = {
        "resourceType": KIND,
        "id": str(consent.id),
        "meta": {
            "versionId": version_at(_modified(consent)),
            "lastUpdated": _modified(consent).isoformat(timespec="milliseconds"),
        },
        "status": consent.status.value,
        "scope": SCOPE,
        "category": [CATEGORY],
        "patient": patient,
        "dateTime": consent.recorded_at.isoformat(timespec="seconds"),
        "organization": [_organization(consent.patient.organization)],
    }
    match consent.basis:
        case ConsentBasis.PATIENT:
            resource |= {"performer": [patient], "policyRule": OPT_IN}
        case ConsentBasis.REPRESENTATIVE:
            resource |= {
                "contained": [_representative(consent, patient)],
                "performer": [{"reference": "#representative", "display": consent.given_by}],
                "policyRule": OPT_IN,
            }
        case ConsentBasis.NECESSITY:
            resource |= {"policyRule": {"text": f"Necessity, nobody could be asked: {consent.given_by}"}}
    return resource | {"provision": _provision(consent, recipient)}


async def read_consent(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /Consent/{id}`. Raises NotFound for one of a patient whose file is not open to the actor."""
    found = await session.scalar(_theirs(actor).where(Consent.id == uuid_in(asked.segments[1])))
    if found is None:
        raise NotFound
    await trace_files(session, actor, [found.patient_id], entry=found, of=KIND)
    modified = _modified(found)
    version = version_at(modified)
    if is_known(asked, version):
        return Answered(304, version=version, modified=modified)
    (resource,) = await _shown(session, actor, [found])
    return Answered(200, resource, version, modified)


async def search_consents(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`GET /Consent`: the latest first."""
    question = read_question(asked, GRAMMAR)
    fitting = _theirs(actor).where(*_conditions(question))
    found: list[Consent] = []
    if not question.is_counted_only:
        found = list(await session.scalars(_ordered(question, fitting)))
    total = question.total_of(found)
    if total is None and question.wants_total:
        ids = fitting.with_only_columns(Consent.id).subquery()
        total = await session.scalar(select(func.count()).select_from(ids))
    shown, following = found[: question.count], None
    if len(found) > question.count:
        following = question.address(asked, after=Position.at(shown[-1].recorded_at, shown[-1].id))
    await trace_files(session, actor, {one.patient_id for one in shown}, of=KIND)
    resources = await _shown(session, actor, shown)
    own = question.address(asked)
    return Answered(200, searchset(resources, server=asked.server, own=own, following=following, total=total))


def _theirs(actor: Actor) -> Select[Consent]:
    whose = joinedload(Consent.patient).joinedload(Patient.organization)
    return select(Consent).where(rows.consents(actor)).options(whose, joinedload(Consent.confirmed_by))


def _ordered(question: Question, query: Select[Consent]) -> Select[Consent]:
    place = (Consent.recorded_at, Consent.id)
    if question.after is not None:
        last = tuple_(moment_after(question.after), question.after.id)
        query = query.where(tuple_(*place) > last if question.is_ascending else tuple_(*place) < last)
    order = place if question.is_ascending else [column.desc() for column in place]
    return query.order_by(*order).limit(question.count + 1)


def _conditions(question: Question) -> list[ColumnElement[bool]]:
    found = []
    for name, value in question.criteria:
        try:
            found.append(_condition(name, value))
        except (ValueError, OverflowError) as error:
            raise BadSearch({name: "This value cannot be read."}) from error
    return found


def _condition(name: str, value: str) -> ColumnElement[bool]:
    match name:
        case "_id":
            return Consent.id.in_(ids_in(value, KIND))
        case "status":
            wanted = {token_of(one).code for one in alternatives(value)}
            return Consent.status.in_([status for status in ConsentStatus if status in wanted])
        case "date":
            return within(value, Consent.recorded_at, Consent.recorded_at)
    return Consent.patient_id.in_(ids_in(value, "Patient"))


async def _shown(session: AsyncSession, actor: Actor, consents: list[Consent]) -> list[dict[str, Any]]:
    """Each with the establishment that was asked, of the consults that exist for the actor."""
    recipients = await session.scalars(
        select(ServiceRequest)
        .where(ServiceRequest.id.in_([one.service_request_id for one in consents]), rows.consults(actor))
        .options(joinedload(ServiceRequest.service).joinedload(HealthcareService.organization))
    )
    asked = {consult.id: consult.service.organization for consult in recipients if consult.service is not None}
    return [consent_resource(one, asked.get(one.service_request_id)) for one in consents]


def _provision(consent: Consent, recipient: Organization | None) -> dict[str, Any]:
    """What is permitted: the consult and what it shares, to whom it asks, from the consent until it is over."""
    purpose = "ETREAT" if consent.basis is ConsentBasis.NECESSITY else "TREAT"
    period = {"start": consent.recorded_at.isoformat(timespec="seconds")}
    if consent.status is ConsentStatus.INACTIVE:
        period["end"] = _modified(consent).isoformat(timespec="seconds")
    provision: dict[str, Any] = {
        "type": "permit",
        "period": period,
        "purpose": [{"system": _REASONS, "code": purpose}],
    }
    if recipient is not None:
        consult = {"reference": f"ServiceRequest/{consent.service_request_id}"}
        provision["actor"] = [{"role": RECIPIENT, "reference": _organization(recipient)}]
        provision["data"] = [{"meaning": "related", "reference": consult}]
    return provision


def _representative(consent: Consent, patient: dict[str, str]) -> dict[str, Any]:
    return {
        "resourceType": "RelatedPerson",
        "id": "representative",
        "patient": patient,
        "relationship": [{"text": consent.relationship_to_patient}],
        "name": [{"text": consent.given_by}],
    }


def _organization(house: Organization) -> dict[str, str]:
    return {"reference": f"Organization/{house.id}", "display": house.name}


def _modified(consent: Consent) -> datetime:
    """When it was noted, withdrawn, or taken over from."""
    later = consent.confirmed_by.recorded_at if consent.confirmed_by else None
    return consent.withdrawn_at or later or consent.recorded_at
