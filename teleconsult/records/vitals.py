"""Vital signs as somebody measures them: LOINC codes, UCUM units and what a body can show (FHIR R4 vital-signs)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from teleconsult.errors import Invalid
from teleconsult.records.elements import code_of, dicts

LOINC: Final = "http://loinc.org"
UCUM: Final = "http://unitsofmeasure.org"
_CATEGORIES: Final = "http://terminology.hl7.org/CodeSystem/observation-category"


class VitalSign(StrEnum):
    """What is measured at the bedside, in the order of a form."""

    BLOOD_PRESSURE = "blood-pressure"
    HEART_RATE = "heart-rate"
    RESPIRATORY_RATE = "respiratory-rate"
    TEMPERATURE = "temperature"
    OXYGEN_SATURATION = "oxygen-saturation"
    GLASGOW = "glasgow"
    GLUCOSE = "glucose"
    WEIGHT = "weight"
    HEIGHT = "height"


@dataclass(frozen=True, slots=True)
class Scale:
    """How one value is measured: outside `low`–`high` it was mistyped."""

    code: str
    display: str
    unit: str
    shown: str
    low: float
    high: float
    is_whole: bool = False
    also: tuple[str, ...] = ()
    """Further LOINC codes of the same thing that a profile asks for."""


SCALES: Final[Mapping[str, Scale]] = {
    "systolic": Scale("8480-6", "Systolic blood pressure", "mm[Hg]", "mmHg", 30, 320, is_whole=True),
    "diastolic": Scale("8462-4", "Diastolic blood pressure", "mm[Hg]", "mmHg", 10, 220, is_whole=True),
    VitalSign.HEART_RATE: Scale("8867-4", "Heart rate", "/min", "/min", 10, 350, is_whole=True),
    VitalSign.RESPIRATORY_RATE: Scale("9279-1", "Respiratory rate", "/min", "/min", 2, 120, is_whole=True),
    VitalSign.TEMPERATURE: Scale("8310-5", "Body temperature", "Cel", "°C", 20, 45),
    VitalSign.OXYGEN_SATURATION: Scale(
        "2708-6", "Oxygen saturation in Arterial blood", "%", "%", 20, 100, also=("59408-5",)
    ),
    VitalSign.GLASGOW: Scale("9269-2", "Glasgow coma score total", "{score}", "", 3, 15, is_whole=True),
    VitalSign.GLUCOSE: Scale(
        "14743-9", "Glucose [Moles/volume] in Capillary blood by Glucometer", "mmol/L", "mmol/L", 0.5, 80
    ),
    VitalSign.WEIGHT: Scale("29463-7", "Body weight", "kg", "kg", 0.2, 500),
    VitalSign.HEIGHT: Scale("8302-2", "Body height", "cm", "cm", 20, 260),
}
"""By what a form calls the value."""
PARTS_OF: Final[Mapping[VitalSign, tuple[str, ...]]] = {
    sign: ("systolic", "diastolic") if sign is VitalSign.BLOOD_PRESSURE else (sign.value,) for sign in VitalSign
}
_PRESSURE: Final = "85354-9"
_UNKNOWN: Final = {
    "coding": [{"system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "unknown"}]
}
_IN_LABORATORY: Final = frozenset({VitalSign.GLUCOSE})
_SURVEYED: Final = frozenset({VitalSign.GLASGOW})


def checked_values(values: Mapping[str, float]) -> dict[VitalSign, dict[str, float]]:
    """The values by sign. Raises Invalid beside each that no body shows.

    A blood pressure may be the upper value alone, as felt at the wrist; never the lower one alone.
    """
    wrong = {}
    for name, value in values.items():
        if _is_odd(name, value):
            wrong[name] = "This value cannot be. Check it and its unit."
    upper, lower = values.get("systolic"), values.get("diastolic")
    if upper is None and lower is not None:
        wrong["systolic"] = "Give both values of the blood pressure."
    elif upper is not None and lower is not None and lower >= upper:
        wrong["diastolic"] = "The lower value is not below the upper one."
    if wrong:
        raise Invalid(wrong)
    found = {sign: {name: values[name] for name in parts if name in values} for sign, parts in PARTS_OF.items()}
    return {sign: measured for sign, measured in found.items() if measured}


def observation(
    sign: VitalSign, values: Mapping[str, float], *, name: str, names: Mapping[str, str], at: datetime
) -> dict[str, Any]:
    """One Observation of `values` as `checked_values` has them; the sign is called `name`, its parts `names`.

    A blood pressure always has both components (FHIR R4 `bp`): one that was not measured says so.
    """
    category = "laboratory" if sign in _IN_LABORATORY else "survey" if sign in _SURVEYED else "vital-signs"
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [{"system": _CATEGORIES, "code": category}]}],
        "effectiveDateTime": at.isoformat(timespec="seconds"),
    }
    if sign is VitalSign.BLOOD_PRESSURE:
        panel = {"system": LOINC, "code": _PRESSURE, "display": "Blood pressure panel with all children optional"}
        parts = [
            {"code": _concept(part, names[part])}
            | ({"valueQuantity": _quantity(part, values[part])} if part in values else {"dataAbsentReason": _UNKNOWN})
            for part in PARTS_OF[sign]
        ]
        return {**resource, "code": {"coding": [panel], "text": name}, "component": parts}
    return {**resource, "code": _concept(sign, name), "valueQuantity": _quantity(sign, values[sign])}


def measured(resource: Mapping[str, Any]) -> tuple[VitalSign, dict[str, float]] | None:
    """What sign an Observation shows and its values, where a form of ours could have written it."""
    code = code_of(resource.get("code"))
    if code == _PRESSURE:
        parts = list(dicts(resource.get("component")))
        found = {
            name: value
            for name in PARTS_OF[VitalSign.BLOOD_PRESSURE]
            for part in parts
            if (value := _value(part, name))
        }
        is_ours = len(parts) == 2 and len(found) == sum("dataAbsentReason" not in part for part in parts)
        return (VitalSign.BLOOD_PRESSURE, found) if is_ours and "systolic" in found else None
    sign = next((sign for sign in VitalSign if sign in SCALES and SCALES[sign].code == code), None)
    value = _value(resource, sign) if sign else None
    return (sign, {sign.value: value}) if sign and value is not None else None


def _is_odd(name: str, value: float) -> bool:
    scale = SCALES[name]
    return not scale.low <= value <= scale.high or (scale.is_whole and value != int(value))


def _concept(name: str, text: str) -> dict[str, Any]:
    scale = SCALES[name]
    further = [{"system": LOINC, "code": code} for code in scale.also]
    return {"coding": [{"system": LOINC, "code": scale.code, "display": scale.display}, *further], "text": text}


def _quantity(name: str, value: float) -> dict[str, Any]:
    scale = SCALES[name]
    exact = int(value) if value == int(value) else value
    quantity = {"value": exact, "system": UCUM, "code": scale.unit}
    return {**quantity, "unit": scale.shown} if scale.shown else quantity


def _value(item: Mapping[str, Any], name: str) -> float | None:
    """The value in our unit; nothing for another measure, another unit, or what is no number."""
    quantity = item.get("valueQuantity")
    if code_of(item.get("code")) != SCALES[name].code or not isinstance(quantity, Mapping):
        return None
    value = quantity.get("value")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if is_number and quantity.get("code") == SCALES[name].unit else None
