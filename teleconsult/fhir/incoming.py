"""A resource that comes in: read, checked for what we rely on, and refused with the name of the element (R4 §2.1)."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from teleconsult.clock import now
from teleconsult.errors import TeleconsultError
from teleconsult.exact import Exact, read_strictly
from teleconsult.fhir.asking import Asked
from teleconsult.fhir.codes import STATUSES
from teleconsult.fhir.entries import encounter_in, is_error
from teleconsult.fhir.outcomes import BadRequest, BadResource
from teleconsult.fhir.searching import id_of
from teleconsult.fhir.subsets import is_subset
from teleconsult.fhir.types import PERIODS, TYPES, Shape
from teleconsult.records.actions import LONGEST_TITLE, patient_element
from teleconsult.records.describing import moment_of
from teleconsult.records.elements import as_text, dicts, words_of
from teleconsult.records.models import ResourceType
from teleconsult.records.reading import read

DEEPEST: Final = 40
"""Levels of a resource: no R4 resource of a file comes near it."""
MOST_NUMBERS: Final = 20
LONGEST_NUMBER: Final = 500
LONGEST_INTEGER, LONGEST_DECIMAL = 18, 40
"""Characters."""
LARGEST_NUMBER: Final = 1e18
"""Digits before the point, however it is written: nothing that is measured has more."""
EARLIEST, LATEST = 1800, 2300
"""Years a date may lie in: what lies outside is a mistake, and no calendar of ours holds it."""


class WrongMedia(TeleconsultError):
    """The body is of a kind that is not spoken here."""

    status = 415


@dataclass(frozen=True, slots=True)
class Incoming:
    """A resource of a known kind, as the file will hold it."""

    kind: ResourceType
    resource: dict[str, Any]
    patient_id: uuid.UUID
    patient_element: str
    """Where it names the patient: `Observation.subject`."""
    encounter: str
    title: str
    effective_at: datetime
    numbers: tuple[tuple[str, str], ...]
    is_error: bool

    @property
    def source(self) -> str:
        """What the sending system calls itself (R4 Meta.source)."""
        meta = self.resource.get("meta")
        return as_text(meta.get("source"))[:LONGEST_TITLE] if isinstance(meta, Mapping) else ""


def resource_in(asked: Asked) -> dict[str, Any]:
    """The resource that came along. Raises BadRequest for what is no JSON object, WrongMedia for another language."""
    content = asked.body
    if isinstance(content, bytes):
        if "json" not in asked.media:
            raise WrongMedia("Send FHIR as JSON: application/fhir+json.")
        try:
            content = read_strictly(content)
        except ValueError as error:
            raise BadRequest("The body is no JSON.") from error
    if not isinstance(content, dict):
        raise BadRequest("The body is no resource.")
    return content


def read_incoming(content: dict[str, Any], kind: ResourceType, *, server: str) -> Incoming:
    """Check it and take it apart. Raises BadResource naming the first element that cannot be taken."""
    if content.get("resourceType") != kind.value:
        raise BadResource(kind.value, "This address takes another type of resource.", code="structure")
    check_shape(content, kind.value)
    if is_subset(content):
        words = "This is only a part of a resource. Read it whole before you change it."
        raise BadResource(f"{kind.value}.meta.tag", words, code="business-rule")
    for name in TYPES[kind].needs:
        if name not in content:
            raise BadResource(f"{kind.value}.{name}", "This element is required.", code="required")
    _check_elements(content, kind)
    element = patient_element(kind)
    resource = {name: value for name, value in content.items() if name not in ("id", "meta")}
    meta = content.get("meta")
    kept = (
        {name: value for name, value in meta.items() if name not in ("versionId", "lastUpdated")}
        if isinstance(meta, dict)
        else {}
    )
    if kept:
        resource["meta"] = kept
    return Incoming(
        kind=kind,
        resource=resource,
        patient_id=_patient_in(content, kind, element, server),
        patient_element=f"{kind.value}.{element}",
        encounter=encounter_in(content, kind).removeprefix(f"{server}/"),
        title=_title(resource, kind),
        effective_at=_effective(content, kind),
        numbers=_numbers(content, kind),
        is_error=is_error(content, kind),
    )


def check_shape(content: Any, name: str) -> None:
    """Refuse what no file can hold: too deep, empty, or with characters that are none. Raises BadResource."""
    waiting: list[tuple[Any, str, int]] = [(content, name, 1)]
    while waiting:
        value, path, depth = waiting.pop()
        if depth > DEEPEST:
            raise BadResource(path[:LONGEST_TITLE], "This is nested too deeply.", code="too-long")
        if value in ("", [], {}):
            raise BadResource(path, "FHIR has no empty values. Leave the element out.")
        if isinstance(value, str) and "\0" in value:
            raise BadResource(path, "The text holds characters that cannot be kept.", code="value")
        if isinstance(value, dict):
            if any("\0" in key for key in value):
                raise BadResource(path, "The text holds characters that cannot be kept.", code="value")
            waiting += [(item, f"{path}.{key}", depth + 1) for key, item in value.items()]
        elif isinstance(value, list):
            waiting += [(item, f"{path}[{number}]", depth + 1) for number, item in enumerate(value) if item is not None]
        elif value is None:
            raise BadResource(path, "FHIR has no empty values. Leave the element out.")
        elif isinstance(value, int | float) and not _is_kept(value):
            raise BadResource(path, "This number has more digits than we keep.", code="value")


def _is_kept(number: float) -> bool:
    """Whether we keep it to its last digit: R4 asks for 18, and nothing that is measured has an exponent of three."""
    written = number.written if isinstance(number, Exact) else str(number)
    exponent = written.lower().partition("e")[2].lstrip("+-")
    if abs(number) >= LARGEST_NUMBER:
        return False
    return len(exponent) <= 2 and len(written) <= (LONGEST_INTEGER if isinstance(number, int) else LONGEST_DECIMAL)


def _check_elements(content: Mapping[str, Any], kind: ResourceType) -> None:
    """What is searched has to be of its type, and a status one that R4 knows. Raises BadResource."""
    for token in TYPES[kind].tokens.values():
        for path in token.paths:
            name = path.split(".")[1]
            of_type = str if token.shape is Shape.CODE else dict
            value = content.get(name)
            values = value if isinstance(value, list) else [] if value is None else [value]
            if not all(isinstance(one, of_type) for one in values):
                raise BadResource(f"{kind.value}.{name}", "This element is of another type in R4.", code="structure")
    known, status = STATUSES.get(kind), content.get("status", "")
    if known is not None and status != "" and (not isinstance(status, str) or status not in known):
        raise BadResource(f"{kind.value}.status", "This is no status of FHIR's.", code="code-invalid")


def _patient_in(content: Mapping[str, Any], kind: ResourceType, element: str, server: str) -> uuid.UUID:
    named = content.get(element)
    reference = as_text(named.get("reference")) if isinstance(named, Mapping) else ""
    if not reference:
        raise BadResource(f"{kind.value}.{element}", "Say whose it is: a reference to a Patient.", code="required")
    try:
        return id_of(reference.removeprefix(f"{server}/"), "Patient")[1]
    except ValueError as error:
        raise BadResource(f"{kind.value}.{element}", "Give a reference, as in Patient/ and an id.") from error


def _effective(content: Mapping[str, Any], kind: ResourceType) -> datetime:
    """When it happened; now, where the resource does not say it."""
    for name in PERIODS:
        period = content.get(name)
        if isinstance(period, Mapping):
            for end in ("start", "end"):
                if end in period:
                    _moment(period[end], f"{kind.value}.{name}.{end}")
    for name in TYPES[kind].when:
        value = content.get(name)
        if isinstance(value, Mapping):
            if "start" in value:
                return _moment(value["start"], f"{kind.value}.{name}.start")
        elif value is not None:
            return _moment(value, f"{kind.value}.{name}")
    return now()


def _moment(value: object, element: str) -> datetime:
    moment = moment_of(value)
    if moment is None or not EARLIEST <= moment.year <= LATEST:
        raise BadResource(element, "This is no date.", code="value")
    return moment


def _title(resource: dict[str, Any], kind: ResourceType) -> str:
    words = read(resource).title or words_of(resource.get("code")) or words_of(resource.get("type"))
    return " ".join(words.split())[:LONGEST_TITLE] or kind.value


def _numbers(content: Mapping[str, Any], kind: ResourceType) -> tuple[tuple[str, str], ...]:
    """The numbers by which it is known elsewhere, those that say whose system it is."""
    given = content.get("identifier")
    identifiers = [*dicts(given if isinstance(given, list) else [given]), *dicts([content.get("masterIdentifier")])]
    found = [(as_text(one.get("system")), as_text(one.get("value"))) for one in identifiers]
    if len(found) > MOST_NUMBERS or any(len(system) + len(value) > LONGEST_NUMBER for system, value in found):
        raise BadResource(f"{kind.value}.identifier", "These are more numbers than we keep.", code="too-long")
    return tuple((system, value) for system, value in found if system and value)
