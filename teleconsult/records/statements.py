"""What somebody writes of a patient by hand: a problem, an allergy, a medicine (FHIR R4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar, Final, Self

from teleconsult.errors import Invalid
from teleconsult.records.elements import as_text, code_of, dicts, words_of
from teleconsult.records.models import ResourceType

LONGEST_NAME: Final = 200
LONGEST_TEXT: Final = 1000
_TERMS: Final = "http://terminology.hl7.org/CodeSystem"


class ProblemStatus(StrEnum):
    """condition-clinical, as far as it is written by hand."""

    ACTIVE = "active"
    RECURRENCE = "recurrence"
    REMISSION = "remission"
    RESOLVED = "resolved"


class Certainty(StrEnum):
    """condition-ver-status and allergyintolerance-verification."""

    CONFIRMED = "confirmed"
    UNCONFIRMED = "unconfirmed"


class Criticality(StrEnum):
    """allergy-intolerance-criticality."""

    UNKNOWN = "unable-to-assess"
    HIGH = "high"
    LOW = "low"


class AllergyStatus(StrEnum):
    """allergyintolerance-clinical."""

    ACTIVE = "active"
    INACTIVE = "inactive"
    RESOLVED = "resolved"


class AllergyCategory(StrEnum):
    """allergy-intolerance-category."""

    MEDICATION = "medication"
    FOOD = "food"
    ENVIRONMENT = "environment"


class MedicineStatus(StrEnum):
    """medication-statement-status, as far as it is written by hand."""

    ACTIVE = "active"
    INTENDED = "intended"
    ON_HOLD = "on-hold"
    STOPPED = "stopped"
    COMPLETED = "completed"


Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the three have in common. `resource` lays it over what the entry said before: elements of others stay."""

    kind: ClassVar[ResourceType]
    name: str
    note: str = ""

    def check(self) -> None:
        """Raise Invalid where a text is missing or too long."""
        wrong = {}
        if not self.name or len(self.name) > LONGEST_NAME:
            wrong["name"] = "Give a name of at most 200 characters."
        for name in self._texts():
            if len(getattr(self, name)) > LONGEST_TEXT:
                wrong[name] = "Keep this under 1,000 characters."
        if wrong:
            raise Invalid(wrong)

    def resource(self, *, was: Mapping[str, Any], at: datetime) -> Resource:
        """The FHIR resource. `at` is when it was first written."""
        raise NotImplementedError

    def _texts(self) -> tuple[str, ...]:
        return ("note",)


@dataclass(frozen=True, slots=True)
class Problem(Statement):
    """A Condition."""

    kind = ResourceType.CONDITION
    status: ProblemStatus = ProblemStatus.ACTIVE
    certainty: Certainty = Certainty.CONFIRMED
    since: date | None = None

    def resource(self, *, was: Mapping[str, Any], at: datetime) -> Resource:
        """R4 §9.2."""
        onset = {} if self.since is None else {"onsetDateTime": self.since.isoformat()}
        return {
            **_without(was, "note", "onsetDateTime"),
            "resourceType": self.kind.value,
            "clinicalStatus": _coded("condition-clinical", self.status),
            "verificationStatus": _coded("condition-ver-status", self.certainty),
            "category": was.get("category") or [_coded("condition-category", "problem-list-item")],
            "code": _named(self.name, was.get("code")),
            "recordedDate": was.get("recordedDate") or at.isoformat(timespec="seconds"),
            **onset,
            **_note(self.note),
        }

    @classmethod
    def read(cls, resource: Mapping[str, Any]) -> Self:
        """What an entry says, for the form that changes it. Raises ValueError for what that form cannot say."""
        return cls(
            name=words_of(resource.get("code")),
            note=_note_of(resource),
            status=ProblemStatus(code_of(resource.get("clinicalStatus"))),
            certainty=Certainty(code_of(resource.get("verificationStatus"))),
            since=_day(resource.get("onsetDateTime")),
        )


@dataclass(frozen=True, slots=True)
class Allergy(Statement):
    """An AllergyIntolerance."""

    kind = ResourceType.ALLERGY_INTOLERANCE
    status: AllergyStatus = AllergyStatus.ACTIVE
    certainty: Certainty = Certainty.CONFIRMED
    category: AllergyCategory = AllergyCategory.MEDICATION
    criticality: Criticality = Criticality.UNKNOWN
    reaction: str = ""

    def resource(self, *, was: Mapping[str, Any], at: datetime) -> Resource:
        """R4 §9.1."""
        reaction = {"reaction": [{"manifestation": [{"text": self.reaction}]}]} if self.reaction else {}
        if self.reaction and self.reaction == _reaction_of(was):
            reaction = {"reaction": was["reaction"]}
        return {
            **_without(was, "note", "reaction"),
            "resourceType": self.kind.value,
            "clinicalStatus": _coded("allergyintolerance-clinical", self.status),
            "verificationStatus": _coded("allergyintolerance-verification", self.certainty),
            "category": [self.category.value],
            "criticality": self.criticality.value,
            "code": _named(self.name, was.get("code")),
            "recordedDate": was.get("recordedDate") or at.isoformat(timespec="seconds"),
            **reaction,
            **_note(self.note),
        }

    @classmethod
    def read(cls, resource: Mapping[str, Any]) -> Self:
        """What an entry says, for the form that changes it. Raises ValueError for what that form cannot say."""
        categories = resource.get("category")
        return cls(
            name=words_of(resource.get("code")),
            note=_note_of(resource),
            status=AllergyStatus(code_of(resource.get("clinicalStatus"))),
            certainty=Certainty(code_of(resource.get("verificationStatus"))),
            category=AllergyCategory(categories[0] if isinstance(categories, list) and len(categories) == 1 else ""),
            criticality=Criticality(resource.get("criticality", Criticality.UNKNOWN)),
            reaction=_reaction_of(resource),
        )

    def _texts(self) -> tuple[str, ...]:
        return ("note", "reaction")


@dataclass(frozen=True, slots=True)
class Medicine(Statement):
    """A MedicationStatement."""

    kind = ResourceType.MEDICATION_STATEMENT
    dosage: str = ""
    status: MedicineStatus = MedicineStatus.ACTIVE
    since: date | None = None

    def resource(self, *, was: Mapping[str, Any], at: datetime) -> Resource:
        """R4 §11.4."""
        period = was.get("effectivePeriod") if isinstance(was.get("effectivePeriod"), Mapping) else {}
        start = {} if self.since is None else {"start": self.since.isoformat()}
        period = {**_without(period or {}, "start"), **start}
        dosages = {"dosage": [{"text": self.dosage}]} if self.dosage else {}
        if self.dosage and self.dosage == _dosage_of(was):
            dosages = {"dosage": was["dosage"]}
        return {
            **_without(was, "note", "dosage", "effectivePeriod"),
            "resourceType": self.kind.value,
            "status": self.status.value,
            "medicationCodeableConcept": _named(self.name, was.get("medicationCodeableConcept")),
            "dateAsserted": was.get("dateAsserted") or at.isoformat(timespec="seconds"),
            **({"effectivePeriod": period} if period else {}),
            **dosages,
            **_note(self.note),
        }

    @classmethod
    def read(cls, resource: Mapping[str, Any]) -> Self:
        """What an entry says, for the form that changes it. Raises ValueError for what that form cannot say."""
        period = resource.get("effectivePeriod")
        return cls(
            name=words_of(resource.get("medicationCodeableConcept")),
            note=_note_of(resource),
            dosage=_dosage_of(resource),
            status=MedicineStatus(resource.get("status", "")),
            since=_day(period.get("start")) if isinstance(period, Mapping) else None,
        )

    def _texts(self) -> tuple[str, ...]:
        return ("note", "dosage")


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{_TERMS}/{system}", "code": str(code)}]}


def _named(name: str, was: object) -> Resource:
    """The concept as it was where its words are the same; else the words alone: a code would say something else."""
    return dict(was) if isinstance(was, Mapping) and words_of(was) == name else {"text": name}


def _note(text: str) -> Resource:
    return {"note": [{"text": text}]} if text else {}


def _note_of(resource: Mapping[str, Any]) -> str:
    return "\n".join(text for note in dicts(resource.get("note")) if (text := as_text(note.get("text"))))


def _reaction_of(resource: Mapping[str, Any]) -> str:
    found = (words_of(sign) for item in dicts(resource.get("reaction")) for sign in dicts(item.get("manifestation")))
    return ", ".join(words for words in found if words)


def _dosage_of(resource: Mapping[str, Any]) -> str:
    return "\n".join(text for item in dicts(resource.get("dosage")) if (text := as_text(item.get("text"))))


def _without(resource: Mapping[str, Any], *names: str) -> Resource:
    return {name: value for name, value in resource.items() if name not in names}


def _day(value: object) -> date | None:
    return None if value is None else date.fromisoformat(as_text(value))
