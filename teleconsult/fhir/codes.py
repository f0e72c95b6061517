"""The codes that R4 requires where a resource says how it stands: another one means nothing to whoever reads it."""

from collections.abc import Mapping
from typing import Final

from teleconsult.records.models import ResourceType

T = ResourceType
_EVENT: Final = "preparation in-progress not-done on-hold stopped completed entered-in-error unknown"
_REQUEST: Final = "draft active on-hold revoked completed entered-in-error unknown"
_FINANCIAL: Final = "active cancelled draft entered-in-error"
_OBSERVED: Final = "registered preliminary final amended corrected cancelled entered-in-error unknown"

STATUSES: Final[Mapping[ResourceType, frozenset[str]]] = {
    kind: frozenset(codes.split())
    for kind, codes in {
        T.ENCOUNTER: "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
        T.MEDICATION_STATEMENT: "active completed entered-in-error intended stopped on-hold unknown not-taken",
        T.OBSERVATION: _OBSERVED,
        T.IMMUNIZATION: "completed entered-in-error not-done",
        T.PROCEDURE: _EVENT,
        T.DIAGNOSTIC_REPORT: f"{_OBSERVED} partial appended",
        T.DOCUMENT_REFERENCE: "current superseded entered-in-error",
        T.IMAGING_STUDY: "registered available cancelled entered-in-error unknown",
        T.COMPOSITION: "preliminary final amended entered-in-error",
        T.MEDICATION_REQUEST: "active on-hold cancelled completed entered-in-error stopped draft unknown",
        T.MEDICATION_ADMINISTRATION: "in-progress not-done on-hold completed entered-in-error stopped unknown",
        T.FAMILY_MEMBER_HISTORY: "partial completed entered-in-error health-unknown",
        T.CARE_PLAN: _REQUEST,
        T.CARE_TEAM: "proposed active suspended inactive entered-in-error",
        T.DEVICE: "active inactive entered-in-error unknown",
        T.SPECIMEN: "available unavailable unsatisfactory entered-in-error",
        T.SUPPLY_DELIVERY: "in-progress completed abandoned entered-in-error",
        T.CLAIM: _FINANCIAL,
        T.EXPLANATION_OF_BENEFIT: _FINANCIAL,
    }.items()
}
"""`status` of each kind (required bindings of http://hl7.org/fhir/R4/terminologies.html)."""
