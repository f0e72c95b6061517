"""Small FHIR R4 resources for the demonstration's charts. The patient is named when the entry is filed."""

import base64
import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

Resource = dict[str, Any]
Values = Mapping[str, float]
Ranges = Mapping[str, list[float | None]]

_TERMS: Final = "http://terminology.hl7.org/CodeSystem"
_LOINC: Final = "http://loinc.org"
_SHOWN: Final = {
    "mm[Hg]": "mmHg",
    "Cel": "°C",
    "10*9/L": "× 10⁹/L",
    "{score}": "",
    "{INR}": "",
    "[pH]": "",
    "umol/L": "µmol/L",
    "ug/L": "µg/L",
    "m[IU]/L": "mUI/L",
    "mL/min/{1.73_m2}": "mL/min/1,73 m²",
}
"""Units as people write them, by their UCUM code."""
_CLASSES: Final = {"AMB": "ambulatory", "EMER": "emergency", "IMP": "inpatient encounter", "HH": "home health"}
_DOCUMENTS: Final = {
    "lettre": ("11488-4", "Lettre de consultation"),
    "sortie": ("18842-5", "Résumé de sortie"),
    "transfert": ("57133-1", "Demande de consultation"),
    "opératoire": ("11504-8", "Protocole opératoire"),
    "pathologie": ("11526-1", "Rapport de pathologie"),
    "soins": ("34746-8", "Note de soins infirmiers"),
    "volontés": ("42348-3", "Directives médicales anticipées"),
}


@cache
def _measures() -> dict[str, list[Any]]:
    loaded: dict[str, list[Any]] = json.loads((files("teleconsult.demo") / "measures.json").read_text(encoding="utf-8"))
    return loaded


def encounter(visit: Mapping[str, Any], at: datetime) -> Resource:
    """A visit: `class` AMB, EMER, IMP or HH, its `reason`, and in `note` what the doctor wrote."""
    code = visit.get("class", "AMB")
    resource: Resource = {
        "resourceType": "Encounter",
        "status": "in-progress" if visit.get("open") else "finished",
        "class": {"system": f"{_TERMS}/v3-ActCode", "code": code, "display": _CLASSES[code]},
        "type": [{"text": visit["visit"]}],
        "period": {"start": at.isoformat(timespec="seconds")},
    }
    if "reason" in visit:
        resource["reasonCode"] = [{"text": visit["reason"]}]
    if "note" in visit:
        div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p>{_escaped(visit["note"])}</p></div>'
        resource["text"] = {"status": "generated", "div": div}
    return resource


def allergy(
    text: str, at: datetime, criticality: str = "low", reaction: str = "", category: str = "medication"
) -> Resource:
    """An allergy that stands."""
    resource: Resource = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": _coded("allergyintolerance-clinical", "active"),
        "verificationStatus": _coded("allergyintolerance-verification", "confirmed"),
        "type": "allergy",
        "category": [category],
        "criticality": criticality,
        "code": {"text": text},
        "recordedDate": _day(at),
    }
    if reaction:
        resource["reaction"] = [{"manifestation": [{"text": reaction}]}]
    return resource


def condition(code: str, text: str, at: datetime, status: str = "active", onset: str = "") -> Resource:
    """A problem under its ICD-10 code."""
    resource: Resource = {
        "resourceType": "Condition",
        "clinicalStatus": _coded("condition-clinical", status),
        "verificationStatus": _coded("condition-ver-status", "confirmed"),
        "category": [_coded("condition-category", "problem-list-item")],
        "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10", "code": code}], "text": text},
        "recordedDate": _day(at),
    }
    if onset:
        resource["onsetString"] = onset
    return resource


def vital_signs(values: Values, at: datetime, ranges: Ranges) -> Resource:
    """Vital signs taken together: one Observation with a component each."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "category": [_coded("observation-category", "vital-signs")],
        "code": {"coding": [{"system": _LOINC, "code": "85353-1"}], "text": "Signes vitaux"},
        "effectiveDateTime": at.isoformat(timespec="seconds"),
        "component": [_measured(key, value, ranges) for key, value in values.items()],
    }


def panel(text: str, values: Values, at: datetime, ranges: Ranges, remark: str = "") -> Resource:
    """Laboratory results of one sample, contained in their report."""
    observations = [
        {
            "resourceType": "Observation",
            "id": key,
            "status": "final",
            "category": [_coded("observation-category", "laboratory")],
            "effectiveDateTime": at.isoformat(timespec="seconds"),
            **_measured(key, value, ranges),
        }
        for key, value in values.items()
    ]
    resource: Resource = {
        "resourceType": "DiagnosticReport",
        "contained": observations,
        "status": "final",
        "category": [{"coding": [{"system": f"{_TERMS}/v2-0074", "code": "LAB"}]}],
        "code": {"text": text},
        "effectiveDateTime": at.isoformat(timespec="seconds"),
        "result": [{"reference": f"#{key}"} for key in values],
    }
    if remark:
        resource["conclusion"] = remark
    return resource


def imaging(modality: str, text: str, site: str, report: str, at: datetime) -> Resource:
    """An examination whose images stayed where they were taken; its report came along."""
    return {
        "resourceType": "ImagingStudy",
        "status": "available",
        "started": at.isoformat(timespec="seconds"),
        "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": modality}],
        "procedureCode": [{"text": f"{text} ({site})"}],
        "description": text,
        "note": [{"text": report}],
    }


def procedure(text: str, at: datetime, outcome: str = "") -> Resource:
    """Something that was done."""
    resource: Resource = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": text},
        "performedDateTime": at.isoformat(timespec="seconds"),
    }
    if outcome:
        resource["outcome"] = {"text": outcome}
    return resource


def medication(code: str, text: str, dosage: str, at: datetime, status: str = "active") -> Resource:
    """A medicine under its ATC code."""
    return {
        "resourceType": "MedicationStatement",
        "status": status,
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": code}], "text": text},
        "effectivePeriod": {"start": _day(at)},
        "dateAsserted": _day(at),
        "dosage": [{"text": dosage}],
    }


def immunization(code: str, text: str, at: datetime, dose: int | None = None, lot: str = "") -> Resource:
    """A vaccine under its CVX code."""
    resource: Resource = {
        "resourceType": "Immunization",
        "status": "completed",
        "vaccineCode": {"coding": [{"system": "http://hl7.org/fhir/sid/cvx", "code": code}], "text": text},
        "occurrenceDateTime": _day(at),
    }
    if lot:
        resource["lotNumber"] = lot
    if dose:
        resource["protocolApplied"] = [{"doseNumberPositiveInt": dose}]
    return resource


def document(kind: str, text: str, content: str, at: datetime) -> Resource:
    """A letter or summary in plain text."""
    code, name = _DOCUMENTS[kind]
    attachment = {
        "contentType": "text/plain; charset=utf-8",
        "language": "fr",
        "data": base64.b64encode(content.encode()).decode(),
        "title": text,
    }
    return {
        "resourceType": "DocumentReference",
        "status": "current",
        "type": {"coding": [{"system": _LOINC, "code": code}], "text": name},
        "date": at.isoformat(timespec="seconds"),
        "description": text,
        "content": [{"attachment": attachment}],
    }


def _measured(key: str, value: float, ranges: Ranges) -> Resource:
    """Code, value, range and interpretation of a measure of `measures.json`, for an Observation or a component."""
    code, name, unit, low, high, *critical = _measures()[key]
    low, high = ranges.get(key, [low, high])
    resource: Resource = {
        "code": {"coding": [{"system": _LOINC, "code": code}], "text": name},
        "valueQuantity": _quantity(value, unit),
    }
    bounds = {name: _quantity(bound, unit) for name, bound in (("low", low), ("high", high)) if bound is not None}
    if not bounds:
        return resource
    critically_low, critically_high = critical if critical and key not in ranges else (None, None)
    said = "N"
    if low is not None and value < low:
        said = "LL" if critically_low is not None and value <= critically_low else "L"
    elif high is not None and value > high:
        said = "HH" if critically_high is not None and value >= critically_high else "H"
    return {
        **resource,
        "interpretation": [_coded("v3-ObservationInterpretation", said)],
        "referenceRange": [bounds],
    }


def _quantity(value: float, unit: str) -> Resource:
    shown = _SHOWN.get(unit, unit)
    quantity: Resource = {"value": value, "system": "http://unitsofmeasure.org", "code": unit}
    return {**quantity, "unit": shown} if shown else quantity


def _coded(system: str, code: str) -> Resource:
    return {"coding": [{"system": f"{_TERMS}/{system}", "code": code}]}


def _day(at: datetime) -> str:
    return at.date().isoformat()


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\n", "</p><p>")
