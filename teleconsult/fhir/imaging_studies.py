"""FHIR R4 ImagingStudy of a study of ours (http://hl7.org/fhir/R4/imagingstudy.html)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from teleconsult.imaging.models import ImagingSeries, ImagingStudy

DICOM_UID: Final = "urn:dicom:uid"
DCM: Final = "http://dicom.nema.org/resources/ontology/DCM"
MOST_SERIES: Final = 200
"""Series named one by one; the numbers still count all."""


def imaging_study(study: ImagingStudy, series: Sequence[ImagingSeries]) -> dict[str, Any]:
    """The resource, without `id` and `subject`. Absent text is left out."""
    return _without_blanks(
        {
            "resourceType": "ImagingStudy",
            "status": "available",
            "identifier": [{"system": DICOM_UID, "value": f"urn:oid:{study.study_instance_uid}"}],
            "modality": [{"system": DCM, "code": code} for code in study.modalities],
            "started": study.started_at.isoformat() if study.started_at else None,
            "numberOfSeries": len(series),
            "numberOfInstances": sum(one.number_of_instances for one in series),
            "description": study.description,
            "series": [_series(one) for one in series[:MOST_SERIES]],
        }
    )


def _series(series: ImagingSeries) -> dict[str, Any]:
    return _without_blanks(
        {
            "uid": series.series_instance_uid,
            "number": series.number if series.number >= 0 else None,
            "modality": {"system": DCM, "code": series.modality},
            "description": series.description,
            "numberOfInstances": series.number_of_instances,
            "bodySite": {"display": series.body_part} if series.body_part else None,
        }
    )


def _without_blanks(elements: Mapping[str, Any]) -> dict[str, Any]:
    """FHIR knows no empty values (R4 §2.6.2)."""
    return {name: value for name, value in elements.items() if value is not None and value not in ("", [])}
