"""What an officer asks of the audit log: from an address's query, or a form's fields, to the question itself."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.audit.kinds import Kind
from teleconsult.audit.queries import Asked, Cursor, patient_by_number, people_named, person_seen
from teleconsult.clock import now
from teleconsult.directory.models import Practitioner
from teleconsult.errors import Invalid
from teleconsult.patients.models import Patient

FIELDS: Final = ("number", "who", "person", "kind", "from", "until")
AT_FIRST: Final = timedelta(days=7)
"""Where neither a patient nor a person nor a day is named, the last week is shown."""
LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class Question:
    """The question, whom it names, and what to show in its form."""

    asked: Asked
    values: dict[str, str]
    patient: Patient | None = None
    person: Practitioner | None = None
    people: Sequence[Practitioner] = ()
    """Several have the name that was typed: somebody has to choose."""

    @property
    def query(self) -> dict[str, str]:
        """What an address needs to ask the same again."""
        return {name: value for name, value in self.values.items() if value}

    def of(self, person: Practitioner) -> dict[str, str]:
        """The same question, of one of the people."""
        return {**{name: value for name, value in self.query.items() if name != "who"}, "person": str(person.id)}


async def read_question(session: AsyncSession, actor: Actor, fields: Mapping[str, str]) -> Question:
    """Raises Invalid on the field that cannot be read or names nobody, NotFound for a person who is not theirs."""
    values = {name: fields.get(name, "").strip()[:LONGEST] for name in FIELDS}
    question = Question(read_period(actor, values), values)
    if values["kind"]:
        question = replace(question, asked=replace(question.asked, kind=_kind(values["kind"])))
    if values["number"]:
        question = await _about_patient(session, actor, question)
    if values["person"] or values["who"]:
        question = await _by_person(session, actor, question)
    if not any((question.asked.since, question.asked.until, values["number"], question.person)):
        question = replace(question, asked=replace(question.asked, since=now() - AT_FIRST))
    return question


def read_period(actor: Actor, values: Mapping[str, str]) -> Asked:
    """The days, both included, on the clock of the actor's establishment. Raises Invalid."""
    since, until = _day(values, "from"), _day(values, "until")
    if since and until and until < since:
        raise Invalid({"until": "The last day lies before the first."})
    zone = ZoneInfo(actor.time_zone)
    return Asked(
        since=_midnight(since, zone) if since else None,
        until=_midnight(until + timedelta(days=1), zone) if until else None,
    )


def read_cursor(fields: Mapping[str, str]) -> Cursor | None:
    """Where a page goes on. Raises Invalid for what no page of ours has written."""
    try:
        return Cursor.parse(fields["before"]) if fields.get("before") else None
    except (ValueError, OverflowError) as error:
        raise Invalid({"": "This address is not whole. Go back and try again."}) from error


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def _day(values: Mapping[str, str], name: str) -> date | None:
    try:
        day = date.fromisoformat(values[name]) if values.get(name) else None
    except ValueError as error:
        raise Invalid({name: "Give a day."}) from error
    if day is not None and not 2000 <= day.year <= 2999:
        raise Invalid({name: "Give a day."})
    return day


def _kind(code: str) -> Kind:
    if code not in set(Kind):
        raise Invalid({"kind": "Choose from the list."})
    return Kind(code)


async def _about_patient(session: AsyncSession, actor: Actor, question: Question) -> Question:
    patient = await patient_by_number(session, actor, number=question.values["number"])
    if patient is None:
        raise Invalid({"number": "No patient of this establishment has this file number."})
    return replace(question, patient=patient, asked=replace(question.asked, patient_id=patient.id))


async def _by_person(session: AsyncSession, actor: Actor, question: Question) -> Question:
    if question.values["person"]:
        try:
            practitioner_id = uuid.UUID(question.values["person"])
        except ValueError as error:
            raise Invalid({"who": "Choose somebody from the list."}) from error
        person = await person_seen(session, actor, practitioner_id=practitioner_id)
    else:
        people = await people_named(session, actor, words=question.values["who"])
        if not people:
            raise Invalid({"who": "Nobody of this establishment has this name or number."})
        if len(people) > 1:
            return replace(question, people=people)
        (person,) = people
    values = question.values | {"person": str(person.id), "who": person.name}
    return replace(question, person=person, values=values, asked=replace(question.asked, practitioner_id=person.id))
