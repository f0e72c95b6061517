"""Resources named by a condition, which is a number: `Patient?identifier=system|value`
(http://hl7.org/fhir/R4/http.html#cond-update, http://hl7.org/fhir/R4/http.html#trules).
"""

import contextlib
import re
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl

from sqlalchemy import literal, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.errors import TooLarge
from teleconsult.fhir.asking import Asked, Pairs
from teleconsult.fhir.outcomes import BadRequest, Unmatched
from teleconsult.fhir.patients import number_system
from teleconsult.fhir.questions import FORMAT
from teleconsult.fhir.scoping import require_scope
from teleconsult.fhir.searching import token_of
from teleconsult.patients.models import IdentifierStatus, Patient, PatientIdentifier
from teleconsult.patients.names import fold_number
from teleconsult.records.identifying import Number, numbered
from teleconsult.records.models import RecordEntry, RecordIdentifier, ResourceType

PATIENT: Final = "Patient"
MOST: Final = 500
_CONDITIONAL: Final = re.compile(r"([A-Z][A-Za-z]+)\?(.*)")


def condition_of(asked: Asked) -> Pairs:
    """Under what it is created or changed: `If-None-Exist`, or the address, where some clients say it of a POST too."""
    header = asked.if_none_exist.lstrip("?")
    said = parse_qsl(header, keep_blank_values=True) if header else asked.parameters
    return [pair for pair in said if pair[0] not in FORMAT]


def number_in(parameters: Pairs) -> Number:
    """The number of a condition. Raises BadRequest for a condition on anything else."""
    try:
        ((name, value),) = parameters
        wanted = token_of(value)
    except ValueError as error:
        raise BadRequest("Give one condition: identifier=, a system, a bar, and a number.") from error
    if name != "identifier" or not wanted.system or not wanted.code:
        raise BadRequest("Give one condition: identifier=, a system, a bar, and a number.")
    return wanted.system, wanted.code


@dataclass(frozen=True, slots=True)
class Conditions:
    """The conditional references of a transaction, looked up all at once, and what answers to each."""

    found: Mapping[str, Collection[str]]

    @classmethod
    async def look_up(cls, session: AsyncSession, actor: Actor, bodies: Iterable[Any], *, asked: Asked) -> "Conditions":
        """Two queries, however many there are. What cannot be read is left for `names` to refuse.

        Raises TooLarge over 500, MissingScope for a system that may not search what it names.
        """
        wanted: dict[str, tuple[str, Number]] = {}
        for reference, kind, condition in (one for body in bodies for one in _references(body)):
            with contextlib.suppress(BadRequest):
                wanted[reference] = kind, number_in(condition)
        if len(wanted) > MOST:
            raise TooLarge("Name at most 500 resources by a condition at once.")
        for kind in {kind for kind, _number in wanted.values()}:
            require_scope(actor, replace(asked, method="GET", segments=(kind,), body=None), "search-type")
        answers: dict[tuple[str, Number], set[str]] = {}
        people = {number for kind, number in wanted.values() if kind == PATIENT}
        if people:
            for number, patient_id in await _patients(session, actor, people, asked.naming):
                answers.setdefault((PATIENT, number), set()).add(f"{PATIENT}/{patient_id}")
        numbers = {number for kind, number in wanted.values() if kind != PATIENT}
        if numbers:
            query = numbered(actor, numbers).where(rows.entries(actor))
            columns = (RecordIdentifier.system, RecordIdentifier.value, RecordEntry.resource_type, RecordEntry.id)
            for system, value, kind, id_ in await session.execute(query.with_only_columns(*columns)):
                answers.setdefault((kind.value, (system, value)), set()).add(f"{kind.value}/{id_}")
        return cls({reference: answers.get(_folded(*one), ()) for reference, one in wanted.items()})

    def names(self, body: Any) -> dict[str, str]:
        """Each conditional reference of the resource, and the one by id that it means.

        Raises BadRequest for a condition on anything but a number, Unmatched where none answers or several do.
        """
        names = {}
        for reference, _kind, condition in _references(body):
            number_in(condition)
            answers = list(self.found[reference])
            if len(answers) != 1:
                raise Unmatched(reference, len(answers))
            names[reference] = answers[0]
        return names


def _references(content: Any) -> Iterator[tuple[str, str, Pairs]]:
    """Every conditional reference to what is kept here: what it says, the type, the condition."""
    if isinstance(content, list):
        for item in content:
            yield from _references(item)
    elif isinstance(content, Mapping):
        reference = content.get("reference")
        match = _CONDITIONAL.fullmatch(reference) if isinstance(reference, str) else None
        if match is not None and match[1] in (PATIENT, *ResourceType):
            yield match[0], match[1], parse_qsl(match[2], keep_blank_values=True)
        for item in content.values():
            yield from _references(item)


def _folded(kind: str, number: Number) -> tuple[str, Number]:
    """Patients' numbers are compared without what only parts their digits."""
    return (kind, (number[0], fold_number(number[1]))) if kind == PATIENT else (kind, number)


async def _patients(
    session: AsyncSession, actor: Actor, numbers: Collection[Number], naming: str
) -> list[tuple[Number, uuid.UUID]]:
    """Patients of the house by numbers that stand: the establishment's own, or another authority's."""
    own = rows.patients_of_house(actor)
    values = {form for _system, value in numbers for form in (value, value.upper(), fold_number(value))}
    given = (
        select(PatientIdentifier.system, PatientIdentifier.value, Patient.id)
        .join(Patient, Patient.id == PatientIdentifier.patient_id)
        .where(
            own,
            PatientIdentifier.value.in_(values),
            PatientIdentifier.system.in_({system for system, _value in numbers}),
            PatientIdentifier.status != IdentifierStatus.WITHDRAWN,
        )
    )
    house = literal(number_system(naming, actor.organization_id) if actor.organization_id else "")
    local = select(house, Patient.local_number, Patient.id).where(own, Patient.local_number.in_(values))
    found = await session.execute(union_all(given, local))
    return [((system, fold_number(value)), id_) for system, value, id_ in found]
