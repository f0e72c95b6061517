"""The table of what the door offers of each kind of entry: where its date stands, and by what it is searched.

Names and meanings are R4's own (http://hl7.org/fhir/R4/searchparameter-registry.html).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from teleconsult.records.models import ResourceType

T = ResourceType


class Shape(Enum):
    """What a token looks at: Coding, Identifier, or a bare code (R4 §3.1.1.4.10)."""

    CODING = "coding"
    IDENTIFIER = "identifier"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Token:
    """A search parameter of type token: the SQL/JSON paths to what it looks at."""

    paths: tuple[str, ...]
    shape: Shape


def _concept(element: str) -> Token:
    return Token((f"$.{element}.coding",), Shape.CODING)


def _coding(element: str) -> Token:
    return Token((f"$.{element}",), Shape.CODING)


def _code(element: str) -> Token:
    return Token((f"$.{element}",), Shape.CODE)


IDENTIFIER: Final = Token(("$.identifier",), Shape.IDENTIFIER)
STATUS: Final = {"identifier": IDENTIFIER, "status": _code("status")}
CODED: Final = {**STATUS, "code": _concept("code"), "category": _concept("category")}
STANDING: Final = {
    "identifier": IDENTIFIER,
    "code": _concept("code"),
    "clinical-status": _concept("clinicalStatus"),
    "verification-status": _concept("verificationStatus"),
}


@dataclass(frozen=True, slots=True)
class EntryType:
    """How R4 shapes one kind of entry. The patient's element stands in `records.actions`."""

    tokens: Mapping[str, Token]
    date: str = ""
    """The search parameter for when it happened; none where R4 has none that fits."""
    when: tuple[str, ...] = ()
    """Elements that say when, the first one that is there; of a Period its beginning."""
    dated: tuple[str, ...] = ()
    """Those of `when` that `date` looks at, where it is not all of them."""
    encounter: str = ""
    """Where it names the encounter it belongs to; a list's element ends with `[]`."""
    named: str = "encounter"
    """The search parameter for that; none where R4 has none."""
    subject: bool = False
    """Whether the patient is searched as `subject`, besides `patient`."""
    error: str = "status"
    """The element that says `entered-in-error`; none where R4 has none."""
    needs: tuple[str, ...] = ()
    """Elements that R4 asks for and we show."""

    @property
    def by_encounter(self) -> str:
        """The search parameter for the encounter; empty where there is none."""
        return self.named if self.encounter else ""


TYPES: Final[Mapping[ResourceType, EntryType]] = {
    T.ENCOUNTER: EntryType(
        {**STATUS, "class": _coding("class"), "type": _concept("type")},
        "date", ("period",), subject=True, needs=("status", "class"),
    ),
    T.CONDITION: EntryType(
        {**STANDING, "category": _concept("category")},
        "onset-date", ("onsetDateTime", "onsetPeriod", "recordedDate"), ("onsetDateTime", "onsetPeriod"),
        encounter="encounter", subject=True, error="verificationStatus",
    ),
    T.ALLERGY_INTOLERANCE: EntryType(
        {**STANDING, "category": _code("category"), "criticality": _code("criticality")},
        "date", ("recordedDate", "onsetDateTime", "onsetPeriod"), ("recordedDate",),
        encounter="encounter", named="", error="verificationStatus",
    ),
    T.MEDICATION_STATEMENT: EntryType(
        {**STATUS, "code": _concept("medicationCodeableConcept"), "category": _concept("category")},
        "effective", ("effectiveDateTime", "effectivePeriod", "dateAsserted"), ("effectiveDateTime", "effectivePeriod"),
        encounter="context", named="context", subject=True, needs=("status",),
    ),
    T.OBSERVATION: EntryType(
        CODED, "date", ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"),
        ("effectiveDateTime", "effectivePeriod", "effectiveInstant"),
        encounter="encounter", subject=True, needs=("status", "code"),
    ),
    T.IMMUNIZATION: EntryType(
        {**STATUS, "vaccine-code": _concept("vaccineCode")},
        "date", ("occurrenceDateTime", "recorded"), ("occurrenceDateTime",),
        encounter="encounter", named="", needs=("status", "vaccineCode"),
    ),
    T.PROCEDURE: EntryType(
        CODED, "date", ("performedDateTime", "performedPeriod"), encounter="encounter", subject=True, needs=("status",),
    ),
    T.DIAGNOSTIC_REPORT: EntryType(
        CODED, "date", ("effectiveDateTime", "effectivePeriod", "issued"), ("effectiveDateTime", "effectivePeriod"),
        encounter="encounter", subject=True, needs=("status", "code"),
    ),
    T.DOCUMENT_REFERENCE: EntryType(
        {
            "identifier": Token(("$.identifier", "$.masterIdentifier"), Shape.IDENTIFIER),
            **{"status": _code("status"), "type": _concept("type"), "category": _concept("category")},
        },
        "date", ("date",), encounter="context.encounter[]", subject=True, needs=("status", "content"),
    ),
    T.IMAGING_STUDY: EntryType(
        {**STATUS, "modality": _coding("series.modality")},
        "started", ("started",), encounter="encounter", subject=True, needs=("status",),
    ),
    T.COMPOSITION: EntryType(
        {**STATUS, "type": _concept("type"), "category": _concept("category")},
        "date", ("date",), encounter="encounter", subject=True, needs=("status", "type", "date", "author", "title"),
    ),
    T.MEDICATION_REQUEST: EntryType(
        {**STATUS, "code": _concept("medicationCodeableConcept"), "intent": _code("intent")},
        "authoredon", ("authoredOn",), encounter="encounter", subject=True, needs=("status", "intent"),
    ),
    T.MEDICATION_ADMINISTRATION: EntryType(
        {**STATUS, "code": _concept("medicationCodeableConcept")},
        "effective-time", ("effectiveDateTime", "effectivePeriod"),
        encounter="context", named="context", subject=True, needs=("status",),
    ),
    T.FAMILY_MEMBER_HISTORY: EntryType(
        {**STATUS, "code": _concept("condition.code"), "relationship": _concept("relationship")},
        "date", ("date",), needs=("status", "relationship"),
    ),
    T.CARE_PLAN: EntryType(
        {**STATUS, "category": _concept("category"), "intent": _code("intent")},
        "date", ("period", "created"), ("period",), encounter="encounter", subject=True, needs=("status", "intent"),
    ),
    T.CARE_TEAM: EntryType(
        {**STATUS, "category": _concept("category")}, "date", ("period",), encounter="encounter", subject=True
    ),
    T.GOAL: EntryType(
        {"identifier": IDENTIFIER, "lifecycle-status": _code("lifecycleStatus"), "category": _concept("category")},
        "start-date", ("startDate", "statusDate"), ("startDate",),
        subject=True, error="lifecycleStatus", needs=("lifecycleStatus", "description"),
    ),
    T.DEVICE: EntryType({"identifier": IDENTIFIER, "type": _concept("type"), "status": _code("status")},
                        when=("manufactureDate",)),
    T.SPECIMEN: EntryType({**STATUS, "type": _concept("type")}, when=("receivedTime",), subject=True),
    T.SUPPLY_DELIVERY: EntryType(STATUS, when=("occurrenceDateTime", "occurrencePeriod")),
    T.PROVENANCE: EntryType({}, "recorded", ("recorded",), error="", needs=("target", "recorded", "agent")),
    T.CLAIM: EntryType(
        {**STATUS, "use": _code("use")}, "created", ("created",), needs=("status", "type", "use", "created", "provider")
    ),
    T.EXPLANATION_OF_BENEFIT: EntryType(
        STATUS, "created", ("created",), needs=("status", "type", "use", "created", "insurer", "provider", "outcome")
    ),
}  # fmt: skip
PERIODS: Final = ("period", "effectivePeriod", "performedPeriod", "onsetPeriod", "occurrencePeriod")
"""Elements that say from when to when; what has one and no end goes on."""
OF_ERROR: Final = frozenset({"status", "lifecycle-status", "clinical-status", "verification-status"})
"""Parameters that look at what `entered-in-error` changes."""
