"""What a page shows of a FHIR R4 resource. Pure, and tolerant: an odd resource shows less, never fails."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from teleconsult.records.cataloguing import kind_of
from teleconsult.records.elements import (
    all_words,
    as_text,
    code_of,
    dicts,
    kept_type,
    narrative_text,
    period_text,
    words_of,
)
from teleconsult.records.measures import Measure, measures_in
from teleconsult.records.models import ResourceType

LONGEST_TEXT: Final = 20_000
_TEXT_TYPES: Final = ("text/plain", "text/markdown")


class Label(StrEnum):
    """What a line is about; the page has the words."""

    BODY_SITE = "body-site"
    CODE = "code"
    CRITICALITY = "criticality"
    DOSAGE = "dosage"
    DOSE_NUMBER = "dose-number"
    IMAGES = "images"
    KIND = "kind"
    LOT = "lot"
    MODALITY = "modality"
    ONSET = "onset"
    OUTCOME = "outcome"
    PERIOD = "period"
    REACTION = "reaction"
    REASON = "reason"
    STATUS = "status"


CODED: Final = frozenset({Label.CRITICALITY, Label.STATUS})
"""Lines whose text is a FHIR code, for the page to translate."""


@dataclass(frozen=True, slots=True)
class Line:
    """One detail: what it is about, and its text as the resource has it."""

    label: Label
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A resource made readable. `text` is longer prose: a conclusion, a letter, a remark."""

    icon: str
    title: str
    lines: tuple[Line, ...] = ()
    measures: tuple[Measure, ...] = ()
    text: str = ""
    study_uid: str = ""
    document_type: str = ""
    """The media type of a document that can be opened."""
    inside_type: str = ""
    """The same, where it is the body of a document that can be had whole besides."""
    is_over: bool = False
    """A problem that is resolved, a medicine that was stopped."""
    is_urgent: bool = False
    """A high-risk allergy."""


@dataclass
class _Draft:
    title: str = ""
    lines: list[Line] = field(default_factory=list)
    measures: tuple[Measure, ...] = ()
    text: str = ""
    study_uid: str = ""
    document_type: str = ""
    inside_type: str = ""
    is_over: bool = False
    is_urgent: bool = False

    def line(self, label: Label, text: object) -> None:
        if isinstance(text, str | int | float) and str(text).strip():
            self.lines.append(Line(label, str(text).strip()))


def read(resource: object) -> Reading:
    """The reading of any resource, known or not."""
    found = resource if isinstance(resource, Mapping) else {}
    icon, reader = _READERS.get(as_text(found.get("resourceType")), ("document", _anything))
    draft = _Draft()
    reader(found, draft)
    notes = "\n".join(text for note in dicts(found.get("note")) if (text := as_text(note.get("text"))))
    return Reading(
        icon=icon,
        title=draft.title,
        lines=tuple(draft.lines),
        measures=draft.measures,
        text="\n\n".join(part for part in (draft.text, notes) if part)[:LONGEST_TEXT],
        study_uid=draft.study_uid,
        document_type=draft.document_type,
        inside_type=draft.inside_type,
        is_over=draft.is_over,
        is_urgent=draft.is_urgent,
    )


def _encounter(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = all_words(resource.get("type")) or words_of(resource.get("serviceType"))
    draft.line(Label.REASON, all_words(resource.get("reasonCode")))
    period = resource.get("period")
    if isinstance(period, Mapping) and period.get("end"):
        draft.line(Label.PERIOD, period_text(period))
    draft.text = narrative_text(resource.get("text"))


def _condition(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("code"))
    status = code_of(resource.get("clinicalStatus"))
    draft.line(Label.CODE, code_of(resource.get("code")))
    draft.line(Label.STATUS, "" if status == "active" else status)
    draft.line(Label.ONSET, resource.get("onsetString") or as_text(resource.get("onsetDateTime"))[:10])
    draft.line(Label.BODY_SITE, all_words(resource.get("bodySite")))
    draft.is_over = status in ("inactive", "remission", "resolved")


def _allergy(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("code"))
    for reaction in dicts(resource.get("reaction")):
        parts = (all_words(reaction.get("manifestation")), as_text(reaction.get("description")))
        draft.line(Label.REACTION, ". ".join(part for part in parts if part))
    draft.line(Label.CRITICALITY, resource.get("criticality"))
    draft.is_urgent = resource.get("criticality") == "high"
    draft.is_over = code_of(resource.get("clinicalStatus")) in ("inactive", "resolved")


def _medication(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("medicationCodeableConcept"))
    for dosage in dicts(resource.get("dosage")):
        draft.line(Label.DOSAGE, dosage.get("text"))
    draft.line(Label.PERIOD, period_text(resource.get("effectivePeriod")))
    draft.line(Label.REASON, all_words(resource.get("reasonCode")))
    draft.line(Label.STATUS, "" if resource.get("status") == "active" else resource.get("status"))
    draft.is_over = resource.get("status") in ("completed", "stopped", "not-taken")


def _immunization(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("vaccineCode"))
    draft.line(Label.LOT, resource.get("lotNumber"))
    for protocol in dicts(resource.get("protocolApplied")):
        draft.line(Label.DOSE_NUMBER, protocol.get("doseNumberPositiveInt") or protocol.get("doseNumberString"))


def _observation(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("code"))
    draft.measures = measures_in(resource)


def _report(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("code"))
    contained = (item for item in dicts(resource.get("contained")) if item.get("resourceType") == "Observation")
    draft.measures = tuple(measure for item in contained for measure in measures_in(item))
    draft.text = as_text(resource.get("conclusion"))


def _document(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = as_text(resource.get("description")) or words_of(resource.get("type"))
    if (kind := kind_of(resource) or words_of(resource.get("type"))) != draft.title:
        draft.line(Label.KIND, kind)
    attached = "\n\n".join(text for item in dicts(resource.get("content")) if (text := _attached(item)))
    draft.text = attached or narrative_text(resource.get("text"))
    draft.inside_type = kept_type(resource, inside=True)
    draft.document_type = draft.inside_type or kept_type(resource)


def _imaging(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = as_text(resource.get("description")) or all_words(resource.get("procedureCode"))
    draft.line(Label.MODALITY, ", ".join(as_text(item.get("code")) for item in dicts(resource.get("modality"))))
    series = list(dicts(resource.get("series")))
    sites = (item.get("bodySite") for item in series)
    names = (as_text(site.get("display")) or as_text(site.get("code")) for site in sites if isinstance(site, Mapping))
    draft.line(Label.BODY_SITE, ", ".join(dict.fromkeys(name for name in names if name)))
    draft.line(Label.IMAGES, resource.get("numberOfInstances"))
    for identifier in dicts(resource.get("identifier")):
        if identifier.get("system") == "urn:dicom:uid":
            draft.study_uid = as_text(identifier.get("value")).removeprefix("urn:oid:")


def _procedure(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("code"))
    draft.line(Label.BODY_SITE, all_words(resource.get("bodySite")))
    draft.line(Label.REASON, all_words(resource.get("reasonCode")))
    draft.line(Label.OUTCOME, words_of(resource.get("outcome")))


def _composition(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = as_text(resource.get("title")) or words_of(resource.get("type"))
    parts = []
    for section in dicts(resource.get("section")):
        if prose := narrative_text(section.get("text")):
            parts.append(f"{as_text(section.get('title'))}\n{prose}".strip())
    draft.text = "\n\n".join(parts)


def _anything(resource: Mapping[str, Any], draft: _Draft) -> None:
    draft.title = words_of(resource.get("code")) or words_of(resource.get("type"))
    draft.measures = measures_in(resource)


def _attached(content: Mapping[str, Any]) -> str:
    """The words of an attachment that is plain text; another kind is for its own viewer."""
    attachment = content.get("attachment")
    if not isinstance(attachment, Mapping) or not as_text(attachment.get("contentType")).startswith(_TEXT_TYPES):
        return ""
    try:
        return base64.b64decode(as_text(attachment.get("data")), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


_READERS: Final[Mapping[str, tuple[str, Callable[[Mapping[str, Any], _Draft], None]]]] = {
    ResourceType.ENCOUNTER: ("encounter", _encounter),
    ResourceType.CONDITION: ("heart", _condition),
    ResourceType.ALLERGY_INTOLERANCE: ("allergy", _allergy),
    ResourceType.MEDICATION_STATEMENT: ("pill", _medication),
    ResourceType.OBSERVATION: ("lab", _observation),
    ResourceType.IMMUNIZATION: ("shield", _immunization),
    ResourceType.PROCEDURE: ("hospital", _procedure),
    ResourceType.DIAGNOSTIC_REPORT: ("lab", _report),
    ResourceType.DOCUMENT_REFERENCE: ("document", _document),
    ResourceType.IMAGING_STUDY: ("image", _imaging),
    ResourceType.COMPOSITION: ("note", _composition),
}
