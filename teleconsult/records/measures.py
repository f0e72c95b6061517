"""What was measured: the value of an Observation, its reference range, and whether it lies outside (FHIR R4)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from teleconsult.records.elements import as_text, code_of, dicts, words_of

Number = int | float


class Flag(StrEnum):
    """How a value lies to its reference range; never told by colour alone."""

    NORMAL = "normal"
    LOW = "low"
    HIGH = "high"
    CRITICALLY_LOW = "critically-low"
    CRITICALLY_HIGH = "critically-high"
    ABNORMAL = "abnormal"


_INTERPRETATIONS: Final = {
    "N": Flag.NORMAL,
    "L": Flag.LOW,
    "LU": Flag.LOW,
    "LL": Flag.CRITICALLY_LOW,
    "H": Flag.HIGH,
    "HU": Flag.HIGH,
    "HH": Flag.CRITICALLY_HIGH,
    "A": Flag.ABNORMAL,
    "AA": Flag.ABNORMAL,
    "POS": Flag.ABNORMAL,
}
"""HL7 v3 ObservationInterpretation."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One value: a number in `unit`, or words. The range is `low`–`high`, either may be open, or words."""

    name: str
    value: Number | str
    unit: str = ""
    comparator: str = ""
    low: Number | None = None
    high: Number | None = None
    range_text: str = ""
    flag: Flag | None = None

    @property
    def is_out_of_range(self) -> bool:
        """Whether the value deserves a second look."""
        return self.flag not in (None, Flag.NORMAL)


def measures_in(observation: Mapping[str, Any]) -> tuple[Measure, ...]:
    """The value of an Observation and of each of its components, in their order."""
    return tuple(measure for _code, measure in coded_measures_in(observation))


def coded_measures_in(observation: Mapping[str, Any]) -> Iterator[tuple[str, Measure]]:
    """The same, each with the code by which it is followed over time: `system|code`, nothing where it has none."""
    for item in (observation, *dicts(observation.get("component"))):
        if told := coded_measure(item):
            yield told


def coded_measure(item: Mapping[str, Any]) -> tuple[str, Measure] | None:
    """The same of one of them; None where it tells no value."""
    measure = _measure(item)
    if measure is None:
        return None
    coding = next(dicts(code.get("coding")), {}) if isinstance(code := item.get("code"), Mapping) else {}
    code_text = as_text(coding.get("code"))
    return f"{as_text(coding.get('system'))}|{code_text}" if code_text else "", measure


def _measure(item: Mapping[str, Any]) -> Measure | None:
    name = words_of(item.get("code"))
    value, unit, comparator = _value(item)
    if value == "":
        return None
    bounds = next(dicts(item.get("referenceRange")), {})
    low, high = _bound(bounds.get("low")), _bound(bounds.get("high"))
    said = next((code for concept in dicts(item.get("interpretation")) if (code := code_of(concept))), "")
    return Measure(
        name=name,
        value=value,
        unit=unit,
        comparator=comparator,
        low=low,
        high=high,
        range_text=as_text(bounds.get("text")),
        flag=_INTERPRETATIONS.get(said) or _compared(value, low, high),
    )


def _value(item: Mapping[str, Any]) -> tuple[Number | str, str, str]:
    quantity = item.get("valueQuantity")
    if isinstance(quantity, Mapping) and (number := _number(quantity.get("value"))) is not None:
        return number, _unit(quantity), as_text(quantity.get("comparator"))
    if (number := _number(item.get("valueInteger"))) is not None:
        return number, "", ""
    return words_of(item.get("valueCodeableConcept")) or as_text(item.get("valueString")), "", ""


def _unit(quantity: Mapping[str, Any]) -> str:
    """The unit as written, else its UCUM code; a code that is only an annotation (`{score}`) says nothing."""
    code = as_text(quantity.get("code"))
    return as_text(quantity.get("unit")) or ("" if code.startswith(("{", "[pH]")) else code)


def _bound(quantity: object) -> Number | None:
    return _number(quantity.get("value")) if isinstance(quantity, Mapping) else None


def _number(value: object) -> Number | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _compared(value: Number | str, low: Number | None, high: Number | None) -> Flag | None:
    if isinstance(value, str) or (low is None and high is None):
        return None
    if low is not None and value < low:
        return Flag.LOW
    return Flag.HIGH if high is not None and value > high else Flag.NORMAL
