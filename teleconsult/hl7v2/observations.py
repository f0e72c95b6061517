"""OBX and OBR as FHIR R4 (HL7 v2-to-FHIR mapping guide, segments OBX and OBR). Pure: segments in, resources out."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from teleconsult.hl7v2.reading import MISSING, WRONG_TYPE, Fault, Segment, moment_in

CODE_SYSTEMS: Final = {
    "LN": "http://loinc.org",
    "SCT": "http://snomed.info/sct",
    "UCUM": "http://unitsofmeasure.org",
    "I10": "http://hl7.org/fhir/sid/icd-10",
}
"""HL7 table 0396."""
STATUSES: Final = {
    "C": "corrected",
    "F": "final",
    "U": "final",
    "P": "preliminary",
    "R": "preliminary",
    "S": "preliminary",
    "I": "registered",
    "O": "registered",
    "N": "registered",
    "A": "amended",
    "B": "amended",
    "X": "cancelled",
    "D": "entered-in-error",
    "W": "entered-in-error",
}
"""HL7 tables 0085 and 0123 → R4 ObservationStatus and DiagnosticReportStatus, which have these in common."""
_RANGE: Final = re.compile(r"\s*(-?[\d.,]+)\s*-\s*(-?[\d.,]+)\s*")
_BOUND: Final = re.compile(r"\s*([<>])=?\s*(-?[\d.,]+)\s*")
_STRUCTURED: Final = {"<": "<", ">": ">", "<=": "<=", ">=": ">="}
_PLAIN: Final = frozenset({"ST", "TX", "FT", "SN", "DT", "TM", "TS", "DTM", "ID", "IS", "NA", ""})


def observation(obx: Segment, *, obr: Segment | None, zone: ZoneInfo, remarks: str = "") -> dict[str, Any]:
    """An R4 Observation without id and subject. Raises Fault for a value that is not what OBX-2 says."""
    measured_at = moment_in(obx, 14, zone) or (moment_in(obr, 7, zone) if obr else None)
    resource: dict[str, Any] = {
        "resourceType": "Observation",
        "status": _status(obx, 11),
        "category": [_concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
        "code": _coded(obx, 3),
        **_value(obx),
    }
    if measured_at:
        resource["effectiveDateTime"] = measured_at.isoformat()
    if flag := obx.text(8):
        system = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
        resource["interpretation"] = [_concept(system, flag)]
    if reference := obx.text(7):
        resource["referenceRange"] = [_range(reference, obx.text(6))]
    if remarks:
        resource["note"] = [{"text": remarks}]
    return resource


def report(obr: Segment, *, zone: ZoneInfo, remarks: str = "") -> dict[str, Any]:
    """An R4 DiagnosticReport without id, subject and results."""
    issued = moment_in(obr, 22, zone)
    measured_at = moment_in(obr, 7, zone)
    resource: dict[str, Any] = {
        "resourceType": "DiagnosticReport",
        "status": _status(obr, 25),
        "category": [_concept("http://terminology.hl7.org/CodeSystem/v2-0074", obr.text(24) or "LAB")],
        "code": _coded(obr, 4),
    }
    if measured_at:
        resource["effectiveDateTime"] = measured_at.isoformat()
    if issued:
        resource["issued"] = issued.isoformat()
    if remarks:
        resource["conclusion"] = remarks
    return resource


def title_of(resource: Mapping[str, Any]) -> str:
    """What a list shows: the text of its code."""
    return str(resource["code"]["text"])[:300]


def measured_at(resource: Mapping[str, Any], otherwise: datetime) -> datetime:
    """When it was measured; where nothing says so, when the message was written."""
    written = resource.get("effectiveDateTime")
    return datetime.fromisoformat(written) if written else otherwise


def _status(segment: Segment, field: int) -> str:
    code = segment.text(field) or "F"
    if code not in STATUSES:
        raise Fault(WRONG_TYPE, "This status is not known.", where=f"{segment.name}-{field}")
    return STATUSES[code]


def _coded(segment: Segment, field: int) -> dict[str, Any]:
    """CWE or CE: two codings, and the words."""
    codings = []
    for first in (1, 4):
        code, display, system = (segment.text(field, first + step) for step in range(3))
        if code:
            known = CODE_SYSTEMS.get(system)
            coding = {"system": known or (f"urn:hl7:{system}" if system else ""), "code": code, "display": display}
            codings.append({name: value for name, value in coding.items() if value})
    words = segment.text(field, 9) or segment.text(field, 2) or segment.text(field, 5) or segment.text(field)
    if not words:
        raise Fault(MISSING, "A field is missing.", where=f"{segment.name}-{field}")
    return {"coding": codings, "text": words} if codings else {"text": words}


def _value(obx: Segment) -> dict[str, Any]:
    """OBX-5 by OBX-2. Several repetitions of text are lines of one."""
    kind, text = obx.text(2), obx.text(5)
    if kind == "NM":
        return {"valueQuantity": _quantity(_number(text, "OBX-5"), obx)} if text else {}
    if kind == "SN" and obx.text(5, 2) and not obx.text(5, 3):
        quantity = _quantity(_number(obx.text(5, 2), "OBX-5"), obx)
        comparator = _STRUCTURED.get(text)
        return {"valueQuantity": {**quantity, "comparator": comparator} if comparator else quantity}
    if kind in ("CE", "CWE", "CF"):
        return {"valueCodeableConcept": _coded(obx, 5)} if text or obx.text(5, 2) else {}
    if kind == "SN":
        text = " ".join(part for step in range(1, 5) if (part := obx.text(5, step)))
    elif kind not in _PLAIN:
        raise Fault(WRONG_TYPE, "This kind of value is not read here.", where="OBX-2")
    lines = [obx.text(5, repetition=number) for number in range(1, obx.repetitions(5) + 1)] if text else []
    if kind == "SN":
        lines = [text]
    return {"valueString": "\n".join(lines).replace("\\.br\\", "\n")} if text else {}


def _quantity(value: float, obx: Segment) -> dict[str, Any]:
    unit, code = obx.text(6, 2) or obx.text(6), obx.text(6)
    quantity: dict[str, Any] = {"value": value}
    if unit:
        quantity["unit"] = unit
    if code and obx.text(6, 3) == "UCUM":
        quantity |= {"system": CODE_SYSTEMS["UCUM"], "code": code}
    return quantity


def _range(text: str, unit: str) -> dict[str, Any]:
    """`3.9-5.5`, `<5`, `>10`, or words; the words are always kept."""
    bounds: dict[str, Any] = {"text": text}
    with_unit = {"unit": unit} if unit else {}
    if match := _RANGE.fullmatch(text):
        bounds["low"] = {"value": _number(match[1], "OBX-7"), **with_unit}
        bounds["high"] = {"value": _number(match[2], "OBX-7"), **with_unit}
    elif match := _BOUND.fullmatch(text):
        bounds["high" if match[1] == "<" else "low"] = {"value": _number(match[2], "OBX-7"), **with_unit}
    return bounds


def _number(text: str, where: str) -> float:
    """A decimal, with a comma where the sender's country writes one."""
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        raise Fault(WRONG_TYPE, "This is no number.", where=where) from None
    if not -1e15 < value < 1e15:
        raise Fault(WRONG_TYPE, "This is no number.", where=where)
    return int(value) if value.is_integer() and "." not in text and "," not in text else value


def _concept(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}
