"""What a specialty needs to answer, and whether a request has it. It reminds; it never stops anybody."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from teleconsult.directory.models import Specialty
from teleconsult.patients.names import fold
from teleconsult.records.elements import dicts
from teleconsult.records.measures import coded_measures_in
from teleconsult.records.models import RecordEntry
from teleconsult.records.models import ResourceType as R

DAY: Final = timedelta(days=1)


class Needed(StrEnum):
    """One thing a specialist asks for first."""

    LAST_SEEN_WELL = "last-seen-well"
    ONSET = "onset"
    MECHANISM = "mechanism"
    ANTICOAGULANTS = "anticoagulants"
    MEDICINES = "medicines"
    ALLERGIES = "allergies"
    IMMUNIZATIONS = "immunizations"
    GLUCOSE = "glucose"
    BLOOD_PRESSURE = "blood-pressure"
    HEART_RATE = "heart-rate"
    GLASGOW = "glasgow"
    TEMPERATURE = "temperature"
    WEIGHT = "weight"
    TROPONIN = "troponin"
    BLOOD_GROUP = "blood-group"
    ECG = "ecg"
    IMAGES = "images"
    PHOTOGRAPH = "photograph"


NEEDS: Final[Mapping[Specialty, tuple[Needed, ...]]] = {
    Specialty.NEUROLOGY: (
        Needed.LAST_SEEN_WELL,
        Needed.ANTICOAGULANTS,
        Needed.GLUCOSE,
        Needed.BLOOD_PRESSURE,
        Needed.IMAGES,
    ),
    Specialty.TRAUMA: (
        Needed.MECHANISM,
        Needed.BLOOD_PRESSURE,
        Needed.HEART_RATE,
        Needed.GLASGOW,
        Needed.ANTICOAGULANTS,
        Needed.BLOOD_GROUP,
        Needed.IMAGES,
    ),
    Specialty.CARDIOLOGY: (
        Needed.ONSET,
        Needed.ECG,
        Needed.TROPONIN,
        Needed.BLOOD_PRESSURE,
        Needed.HEART_RATE,
        Needed.MEDICINES,
    ),
    Specialty.DERMATOLOGY: (Needed.ONSET, Needed.PHOTOGRAPH, Needed.MEDICINES, Needed.ALLERGIES),
    Specialty.PAEDIATRICS: (Needed.WEIGHT, Needed.TEMPERATURE, Needed.IMMUNIZATIONS, Needed.ALLERGIES),
    Specialty.GENERAL: (Needed.MEDICINES, Needed.ALLERGIES),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """By what a need is seen to be met; any of it is enough."""

    codes: frozenset[str] = frozenset()
    """LOINC codes of a value among the entries, no older than `within`."""
    within: timedelta | None = None
    types: frozenset[R] = frozenset()
    words: tuple[str, ...] = ()
    """Beginnings of words, folded, in the question or in the title of an entry."""
    images: bool = False


BLOOD_THINNERS: Final = (
    *("anticoag", "apixaban", "rivaroxaban", "dabigatran", "edoxaban", "warfarin", "coumadin", "acenocoumarol"),
    *("fluindione", "heparin", "enoxaparin", "tinzaparin", "chong dong"),
)
EVIDENCE: Final[Mapping[Needed, Evidence]] = {
    Needed.LAST_SEEN_WELL: Evidence(
        words=("vu normal", "vue normal", "vu bien", "vue bien", "last seen", "last known well", "binh thuong luc")
    ),
    Needed.ONSET: Evidence(words=("depuis", "debut", "since", "began", "onset", "tu ngay", "khoi phat")),
    Needed.MECHANISM: Evidence(
        words=("chute", "tombe", "accident", "collision", "fell", "fall", "crash", "hit by", "te ", "nga", "tai nan")
    ),
    Needed.ANTICOAGULANTS: Evidence(words=BLOOD_THINNERS),
    Needed.MEDICINES: Evidence(types=frozenset({R.MEDICATION_STATEMENT, R.MEDICATION_REQUEST})),
    Needed.ALLERGIES: Evidence(types=frozenset({R.ALLERGY_INTOLERANCE}), words=("allerg", "di ung")),
    Needed.IMMUNIZATIONS: Evidence(types=frozenset({R.IMMUNIZATION}), words=("vaccin", "immuni", "tiem chung")),
    Needed.GLUCOSE: Evidence(frozenset({"14743-9", "2339-0", "14749-6", "2345-7", "15074-8", "41653-7"}), DAY),
    Needed.BLOOD_PRESSURE: Evidence(frozenset({"8480-6"}), DAY),
    Needed.HEART_RATE: Evidence(frozenset({"8867-4"}), DAY),
    Needed.GLASGOW: Evidence(frozenset({"9269-2", "9267-6"}), DAY, words=("glasgow", "gcs")),
    Needed.TEMPERATURE: Evidence(frozenset({"8310-5"}), DAY),
    Needed.WEIGHT: Evidence(frozenset({"29463-7", "3141-9"}), 30 * DAY),
    Needed.TROPONIN: Evidence(frozenset({"67151-1", "89579-7", "10839-9", "6598-7", "49563-0"}), DAY),
    Needed.BLOOD_GROUP: Evidence(
        frozenset({"882-1", "883-9", "10331-7"}), words=("groupe sanguin", "blood group", "nhom mau")
    ),
    Needed.ECG: Evidence(words=("ecg", "electrocardiogram", "dien tam do")),
    Needed.IMAGES: Evidence(types=frozenset({R.IMAGING_STUDY}), images=True),
    Needed.PHOTOGRAPH: Evidence(words=("photo", "image", "anh "), images=True),
}


@dataclass(frozen=True, slots=True)
class Checked:
    """A need, whether it is met, and where it is not what the file could give: its newest entry of that kind."""

    needed: Needed
    is_met: bool
    offered: RecordEntry | None = None


def checklist(
    specialty: Specialty,
    *,
    chosen: Sequence[RecordEntry],
    others: Sequence[RecordEntry],
    question: str,
    has_images: bool,
    at: datetime,
) -> list[Checked]:
    """What this specialty needs. `others` are the entries of the file that were not chosen, newest first."""
    found = []
    for needed in NEEDS[specialty]:
        evidence = EVIDENCE[needed]
        is_met = (
            (evidence.images and has_images)
            or _says(question, evidence.words)
            or any(_shows(entry, evidence, at) for entry in chosen)
        )
        offered = None if is_met else next((entry for entry in others if _shows(entry, evidence, at)), None)
        found.append(Checked(needed, is_met, offered))
    return found


def needs_shown(entry: RecordEntry, specialty: Specialty, *, at: datetime) -> list[Needed]:
    """What the specialty asks for first and this entry tells; an entry of the right type alone says too little."""
    return [
        needed
        for needed in NEEDS[specialty]
        if _shows(entry, replace(EVIDENCE[needed], types=frozenset(), images=False), at)
    ]


def codes_in(entry: RecordEntry) -> Iterable[str]:
    """The codes of the values an entry tells: its own, of its parts, of what it contains."""
    yield entry.code
    for resource in (entry.resource, *dicts(entry.resource.get("contained"))):
        for code, _measure in coded_measures_in(resource):
            yield code.rpartition("|")[2]


def _shows(entry: RecordEntry, evidence: Evidence, at: datetime) -> bool:
    if entry.resource_type in evidence.types or _says(entry.title, evidence.words):
        return True
    is_recent = evidence.within is None or at - entry.effective_at <= evidence.within
    return is_recent and bool(evidence.codes) and not evidence.codes.isdisjoint(codes_in(entry))


def _says(text: str, words: tuple[str, ...]) -> bool:
    """Whether one of the words begins somewhere in the text."""
    folded = f" {fold(text)} "
    return any(f" {word}" in folded for word in words)
