"""What the pages say of FHIR's codes and dates in a patient's file."""

import re
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Any, Final

from babel import dates

from teleconsult.excerpts.completeness import Needed
from teleconsult.records.cataloguing import DocumentKind
from teleconsult.records.models import Origin, RecordEntry
from teleconsult.records.reading import CODED, Label, Line
from teleconsult.records.statements import (
    AllergyCategory,
    AllergyStatus,
    Certainty,
    Criticality,
    MedicineStatus,
    ProblemStatus,
)
from teleconsult.records.vitals import VitalSign
from web.i18n import LazyString, babel_locale
from web.i18n import lazy_gettext as _

_CODES: Final[Mapping[str, LazyString]] = {
    "active": _("Active"),
    "completed": _("Completed"),
    "entered-in-error": _("Entered in error"),
    "high": _("High risk"),
    "inactive": _("Inactive"),
    "intended": _("Intended"),
    "low": _("Low risk"),
    "not-taken": _("Not taken"),
    "on-hold": _("On hold"),
    "recurrence": _("Recurrence"),
    "relapse": _("Relapse"),
    "remission": _("In remission"),
    "resolved": _("Resolved"),
    "stopped": _("Stopped"),
    "unable-to-assess": _("Risk unknown"),
    "unknown": _("Unknown"),
}
"""condition-clinical, allergyintolerance-clinical and -criticality, medication-statement-status (FHIR R4)."""
RECORD_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    VitalSign: {
        VitalSign.BLOOD_PRESSURE: _("Blood pressure"),
        VitalSign.HEART_RATE: _("Heart rate"),
        VitalSign.RESPIRATORY_RATE: _("Respiratory rate"),
        VitalSign.TEMPERATURE: _("Temperature"),
        VitalSign.OXYGEN_SATURATION: _("Oxygen saturation"),
        VitalSign.GLASGOW: _("Glasgow score"),
        VitalSign.GLUCOSE: _("Capillary glucose"),
        VitalSign.WEIGHT: _("Weight"),
        VitalSign.HEIGHT: _("Height"),
    },
    ProblemStatus: {status: _CODES[status] for status in ProblemStatus},
    AllergyStatus: {status: _CODES[status] for status in AllergyStatus},
    MedicineStatus: {status: _CODES[status] for status in MedicineStatus},
    Criticality: {criticality: _CODES[criticality] for criticality in Criticality},
    Certainty: {Certainty.CONFIRMED: _("Confirmed"), Certainty.UNCONFIRMED: _("Suspected")},
    AllergyCategory: {
        AllergyCategory.MEDICATION: _("Medicine"),
        AllergyCategory.FOOD: _("Food"),
        AllergyCategory.ENVIRONMENT: _("Environment"),
    },
    DocumentKind: {
        DocumentKind.REFERRAL: _("Referral letter"),
        DocumentKind.CONSULT: _("Consult report"),
        DocumentKind.DISCHARGE: _("Discharge letter"),
        DocumentKind.LABORATORY: _("Laboratory report"),
        DocumentKind.IMAGING: _("Imaging report"),
        DocumentKind.OPERATION: _("Operation report"),
        DocumentKind.PRESCRIPTION: _("Prescription"),
        DocumentKind.PHOTOGRAPH: _("Photograph"),
        DocumentKind.CONSENT: _("Signed consent"),
        DocumentKind.OTHER: _("Other document"),
    },
    Needed: {
        Needed.LAST_SEEN_WELL: _("When the patient was last seen well"),
        Needed.ONSET: _("Since when"),
        Needed.MECHANISM: _("How it happened"),
        Needed.ANTICOAGULANTS: _("Anticoagulants, or that there are none"),
        Needed.MEDICINES: _("Current medicines"),
        Needed.ALLERGIES: _("Allergies"),
        Needed.IMMUNIZATIONS: _("Vaccines"),
        Needed.GLUCOSE: _("Glucose, within a day"),
        Needed.BLOOD_PRESSURE: _("Blood pressure, within a day"),
        Needed.HEART_RATE: _("Heart rate, within a day"),
        Needed.GLASGOW: _("Glasgow score, within a day"),
        Needed.TEMPERATURE: _("Temperature, within a day"),
        Needed.WEIGHT: _("Weight, within a month"),
        Needed.TROPONIN: _("Troponin, within a day"),
        Needed.BLOOD_GROUP: _("Blood group"),
        Needed.ECG: _("ECG"),
        Needed.IMAGES: _("Images"),
        Needed.PHOTOGRAPH: _("A photograph"),
    },
    Origin: {
        Origin.HAND: _("Written by hand"),
        Origin.CONSULT: _("From a consult"),
        Origin.FHIR: _("Sent over FHIR"),
        Origin.HL7: _("Sent as an HL7 message"),
        Origin.CDA: _("Sent as a CDA document"),
        Origin.IMPORT: _("Imported"),
        Origin.DICOM: _("Sent by an imaging system"),
    },
}
"""By kind, as in `web.words`, which joins them."""
_PARTS: Final[Mapping[str, LazyString]] = {
    "systolic": _("Systolic pressure"),
    "diastolic": _("Diastolic pressure"),
}
_DATE: Final = re.compile(r"\b(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?\b")


def part_name(part: str) -> str:
    """What the value of a vital sign is called: the parts of a blood pressure, or the sign itself."""
    return str(_PARTS.get(part) or RECORD_LABELS[VitalSign][VitalSign(part)])


def came_by(entry: RecordEntry) -> str:
    """By which door an entry came into the file, and from what system."""
    door = str(RECORD_LABELS[Origin][entry.origin])
    return f"{door} ({entry.source})" if entry.source else door


def followed(resource: Mapping[str, Any]) -> str:
    """What came after a document: a later version, or something that was added. Nothing where nothing did."""
    if resource.get("resourceType") == "DocumentReference" and resource.get("status") == "superseded":
        return str(_("A later version replaces it"))
    kinds = {"DocumentReference": "docStatus", "Composition": "status"}
    is_followed = resource.get(kinds.get(str(resource.get("resourceType")), "")) == "amended"
    return str(_("A later note adds to it, or replaces it")) if is_followed else ""


def line_text(line: Line) -> str:
    """The text of one detail: codes in words, dates as the reader writes them, the rest as it stands."""
    if line.label in CODED:
        return str(_CODES.get(line.text, line.text))
    if line.label is Label.KIND and line.text in set(DocumentKind):
        return str(RECORD_LABELS[DocumentKind][DocumentKind(line.text)])
    if line.label is Label.PERIOD:
        return _period_in_words(line.text)
    if line.label is Label.ONSET:
        return dates_in_words(line.text)
    return line.text


def _period_in_words(text: str) -> str:
    """A period as `records.elements.period_text` writes it: `2024-03-01 → 2024-03-08`.

    An open end says no more than when it began: that it is over may stand elsewhere, or nowhere.
    """
    start, arrow, end = (part.strip() for part in text.partition("→"))
    start, end = dates_in_words(start), dates_in_words(end)
    if not end:
        return str(_("started %(start)s", start=start)) if arrow else start
    return f"{start or '…'} – {end}"


def dates_in_words(text: str) -> str:
    """The text with its FHIR dates as the reader writes them."""
    return _DATE.sub(_date_in_words, text)


def _date_in_words(match: re.Match[str]) -> str:
    """A FHIR date, which may stop at the year or the month (FHIR R4 §2.24.0.1)."""
    year, month, day = match.groups()
    try:
        found = date(int(year), int(month or 1), int(day or 1))
    except ValueError:
        return match[0]
    if month is None:
        return year
    skeleton = "yMMMd" if day else "yMMM"
    return str(dates.format_skeleton(skeleton, found, locale=babel_locale()))
