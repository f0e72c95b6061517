"""`Patient/$match`: who of the house somebody may be, the nearest first, never linked by this
(http://hl7.org/fhir/R4/patient-operation-match.html).
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.fhir.asking import Answered, Asked
from teleconsult.fhir.bundles import searchset
from teleconsult.fhir.incoming import MOST_NUMBERS, check_shape, resource_in
from teleconsult.fhir.outcomes import BadResource
from teleconsult.fhir.patient_search import as_resources
from teleconsult.fhir.patients import number_system
from teleconsult.fhir.tracing import trace_patients
from teleconsult.patients.identities import KnownIdentity
from teleconsult.patients.matching import LEAST, Candidate, Sign, Verdict, signs_of
from teleconsult.patients.models import AdministrativeGender, Patient, PatientIdentifier
from teleconsult.patients.names import fold, fold_number
from teleconsult.records.elements import as_text, dicts

GRADE: Final = "http://hl7.org/fhir/StructureDefinition/match-grade"
COUNT: Final = 10
MOST: Final = 50
CERTAIN: Final = 170
"""The score of the same number with the same name and birth date: as near as two can be."""


@dataclass(frozen=True, slots=True)
class Sought:
    """Who is meant: what of the Patient that was sent says it."""

    identity: KnownIdentity
    numbers: tuple[tuple[str, str], ...]


async def match_patients(session: AsyncSession, actor: Actor, asked: Asked) -> Answered:
    """`POST /Patient/$match` of Parameters with a Patient as `resource`.

    Only patients of the actor's own establishment are compared. Raises BadResource for what names nobody.
    """
    parameters = _parameters(resource_in(asked))
    sought = _sought(parameters.get("resource"))
    count = parameters.get("count", COUNT)
    if not isinstance(count, int) or isinstance(count, bool) or count < 1:
        raise BadResource("Parameters.parameter", "The count is a number from 1.", code="value")
    candidates = await _candidates(session, actor, sought, asked.naming)
    if parameters.get("onlyCertainMatches") is True:
        candidates = [found for found in candidates if _grade(found[1]) == "certain"]
    shown = candidates[: min(count, MOST)]
    trace_patients(session, actor, [patient for patient, _candidate in shown])
    resources = await as_resources(session, actor, [patient for patient, _candidate in shown], naming=asked.naming)
    own = f"{asked.server}/Patient/$match"
    bundle = searchset(resources, server=asked.server, own=own, total=len(shown))
    del bundle["link"]  # a POST has no address to come back to
    for entry, (_patient, candidate) in zip(bundle.get("entry", []), shown, strict=True):
        entry["search"] = {
            "extension": [{"url": GRADE, "valueCode": _grade(candidate)}],
            "mode": "match",
            "score": _score(candidate),
        }
    return Answered(200, bundle)


def _parameters(content: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters by name, each its resource or value."""
    if content.get("resourceType") != "Parameters":
        raise BadResource("Parameters", "Send Parameters with a Patient as `resource`.", code="structure")
    check_shape(content, "Parameters")
    found = {}
    for one in dicts(content.get("parameter")):
        values = [value for name, value in one.items() if name == "resource" or name.startswith("value")]
        if values:
            found[as_text(one.get("name"))] = values[0]
    return found


def _sought(resource: object) -> Sought:
    if not isinstance(resource, Mapping) or resource.get("resourceType") != "Patient":
        raise BadResource("Parameters.parameter", "Send Parameters with a Patient as `resource`.", code="required")
    name = next(dicts(resource.get("name")), {})
    given = name.get("given")
    gender = as_text(resource.get("gender"))
    try:
        born = date.fromisoformat(as_text(resource.get("birthDate"))) if "birthDate" in resource else None
    except ValueError as error:
        raise BadResource("Patient.birthDate", "This is no date.", code="value") from error
    phones = [as_text(one.get("value")) for one in dicts(resource.get("telecom")) if one.get("system") == "phone"]
    numbers = [
        (as_text(one.get("system")), fold_number(as_text(one.get("value"))))
        for one in dicts(resource.get("identifier"))
    ]
    identity = KnownIdentity(
        patient_id=uuid.UUID(int=0),
        organization_id=uuid.UUID(int=0),
        organization="",
        local_number="",
        family=as_text(name.get("family")),
        given=" ".join(as_text(one) for one in given) if isinstance(given, list) else "",
        used_name="",
        birth_date=born,
        birth_place="",
        gender=AdministrativeGender(gender) if gender in set(AdministrativeGender) else AdministrativeGender.UNKNOWN,
        phone=phones[0] if phones else "",
        is_temporary=False,
        person_id=uuid.UUID(int=0),
        numbers=(),
    )
    known = tuple((system, number) for system, number in numbers if system and number)[:MOST_NUMBERS]
    if not known and not (fold(identity.family) or born):
        raise BadResource("Patient", "Give a number, a name, or a birth date.", code="required")
    return Sought(identity, known)


async def _candidates(
    session: AsyncSession, actor: Actor, sought: Sought, naming: str
) -> list[tuple[Patient, Candidate]]:
    """Patients of the house who share a number, a name or a birth date, with what speaks for each."""
    own = rows.patients_of_house(actor)
    found = await session.scalars(
        select(Patient)
        .where(own, or_(*_likely(sought, own)))
        .order_by(Patient.created_at, Patient.id)
        .limit(MOST * 4)
        .options(joinedload(Patient.organization))
    )
    patients = list(found)
    numbers: dict[uuid.UUID, set[tuple[str, str]]] = {}
    given = await session.scalars(
        select(PatientIdentifier).where(PatientIdentifier.patient_id.in_([patient.id for patient in patients]))
    )
    for one in given:
        numbers.setdefault(one.patient_id, set()).add((one.system, fold_number(one.value)))
    compared = []
    for patient in patients:
        local = (number_system(naming, patient.organization_id), fold_number(patient.local_number))
        theirs = numbers.get(patient.id, set()) | {local}
        candidate = Candidate(sought.identity, (*_number_signs(sought, theirs), *signs_of(patient, sought.identity)))
        if candidate.score >= LEAST or Sign.SAME_NUMBER in candidate.signs:
            compared.append((patient, candidate))
    return sorted(compared, key=lambda one: -one[1].score)


def _likely(sought: Sought, own: ColumnElement[bool]) -> Iterator[ColumnElement[bool]]:
    family, given = fold(sought.identity.family), fold(sought.identity.given)
    if sought.numbers:
        values = [number for _system, number in sought.numbers]
        yield Patient.local_number.in_(values)
        known = select(PatientIdentifier.patient_id).join(Patient, Patient.id == PatientIdentifier.patient_id)
        yield Patient.id.in_(known.where(own, PatientIdentifier.value.in_(values)))
    if sought.identity.birth_date is not None:
        yield Patient.birth_date == sought.identity.birth_date
    if family:
        yield and_(Patient.family_folded == family, Patient.given_folded == given)
        yield and_(Patient.family_folded == given, Patient.given_folded == family)


def _number_signs(sought: Sought, theirs: set[tuple[str, str]]) -> Iterator[Sign]:
    if theirs & set(sought.numbers):
        yield Sign.SAME_NUMBER
    elif {system for system, _number in sought.numbers} & {system for system, _number in theirs}:
        yield Sign.OTHER_NUMBER


def _grade(candidate: Candidate) -> str:
    """R4 match-grade: only a number and traits that agree are certain."""
    if candidate.verdict is Verdict.SAME:
        return "certain"
    agree = {Sign.SAME_NAME, Sign.SAME_BIRTH_DATE} <= set(candidate.signs)
    return "probable" if agree and candidate.verdict is Verdict.PERHAPS else "possible"


def _score(candidate: Candidate) -> float:
    return round(min(max(candidate.score / CERTAIN, 0.01), 1.0), 2)
