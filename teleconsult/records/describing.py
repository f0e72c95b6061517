"""What the columns of an entry take from its resource: by these it is found, drawn and put in order (FHIR R4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from teleconsult.patients.names import fold
from teleconsult.records.elements import as_text, dicts, narrative_text

MOST_SEARCHED: Final = 20_000
"""Letters of an entry that are searched: a text of many pages is found by its beginning."""
_SILENT: Final = frozenset({"id", "system", "reference", "url", "data", "hash", "contentType", "language", "div"})
"""Elements whose text nobody looks for."""


@dataclass(frozen=True, slots=True)
class Described:
    """See `RecordEntry` for each."""

    category: str
    code_system: str
    code: str
    value: float | None
    unit: str
    ended_at: datetime | None
    searched: str


def described(resource: Mapping[str, Any], *, title: str) -> Described:
    """Read the resource; what is odd reads as nothing."""
    categories = resource.get("category")
    first = next(dicts(categories), None) if isinstance(categories, list) else categories
    coding = _coding(resource.get("code") or resource.get("medicationCodeableConcept") or resource.get("vaccineCode"))
    quantity = resource.get("valueQuantity")
    value = quantity.get("value") if isinstance(quantity, Mapping) else None
    period = resource.get("period") or resource.get("effectivePeriod") or resource.get("performedPeriod")
    return Described(
        category=_coding(first)[1],
        code_system=coding[0],
        code=coding[1],
        value=_drawable(value),
        unit=as_text(quantity.get("unit") or quantity.get("code")) if isinstance(quantity, Mapping) else "",
        ended_at=moment_of(period.get("end")) if isinstance(period, Mapping) else None,
        searched=fold(" ".join([title, narrative_text(resource.get("text")), *_texts(resource)]))[:MOST_SEARCHED],
    )


def moment_of(value: object) -> datetime | None:
    """A FHIR date or dateTime as an aware moment, a day or a month from its beginning; None where it is none."""
    text = as_text(value)
    filled = text + "-01-01" if len(text) == 4 else text + "-01" if len(text) == 7 else text
    try:
        moment = datetime.fromisoformat(filled)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _drawable(value: object) -> float | None:
    """The number, where it is one that a column can hold: JSON has larger ones."""
    try:
        return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
    except OverflowError:
        return None


def _coding(concept: object) -> tuple[str, str]:
    """System and code of the first coding that has a code."""
    codings = dicts(concept.get("coding")) if isinstance(concept, Mapping) else iter(())
    return next(
        ((as_text(coding.get("system")), code) for coding in codings if (code := as_text(coding.get("code")))), ("", "")
    )


def _texts(value: object) -> Iterator[str]:
    """Every string of a resource that somebody might look for, depth first."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, Mapping):
        for name, item in value.items():
            if name not in _SILENT:
                yield from _texts(item)
