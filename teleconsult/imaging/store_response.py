"""What became of objects that were sent, in the DICOM JSON Model: the Store Instances Response (PS3.18 Annex I)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from teleconsult.imaging.receiving import Arrival
from teleconsult.imaging.refusals import Refusal
from teleconsult.imaging.uids import is_derived

Attributes = dict[str, Any]

REFERENCED_SOP_CLASS_UID: Final = "00081150"
REFERENCED_SOP_INSTANCE_UID: Final = "00081155"
RETRIEVE_URL: Final = "00081190"
WARNING_REASON: Final = "00081196"
FAILURE_REASON: Final = "00081197"
FAILED_SOP_SEQUENCE: Final = "00081198"
REFERENCED_SOP_SEQUENCE: Final = "00081199"
OTHER_FAILURES_SEQUENCE: Final = "0008119A"

OUT_OF_RESOURCES: Final = 0xA700
DOES_NOT_MATCH: Final = 0xA900
CANNOT_UNDERSTAND: Final = 0xC000
DUPLICATE: Final = 0x0111
COERCED: Final = 0xB000
"""The Warning Reason of an object that named no study or series: it is found under UIDs that were given to it here."""
OTHER_IDENTITY: Final = 0xC001
"""Our own: the instance names another patient than the rest of its study."""
_REASONS: Final[Mapping[Refusal, int]] = {
    Refusal.TOO_LARGE: OUT_OF_RESOURCES,
    Refusal.TOO_DEMANDING: OUT_OF_RESOURCES,
    Refusal.OTHER_STUDY: DOES_NOT_MATCH,
    Refusal.OTHER_OBJECT: DOES_NOT_MATCH,
    Refusal.BAD_GEOMETRY: DOES_NOT_MATCH,
    Refusal.OTHER_BYTES: DUPLICATE,
    Refusal.OTHER_PATIENT: OTHER_IDENTITY,
    Refusal.NOT_CHOSEN: OTHER_IDENTITY,
}
"""Failure Reasons (Table I.2-2, and PS3.7 Annex C); what is not here cannot be understood."""


def store_response(arrivals: Sequence[Arrival], *, studies: str) -> Attributes:
    """The response for a request of these; `studies` is the address below which studies are retrieved.

    What could not even be told apart stands in the Other Failures Sequence, with its reason alone.
    """
    kept = [one for one in arrivals if not one.refusal]
    failed = [(one, one.refusal) for one in arrivals if one.refusal and one.sop_instance_uid]
    unknown = [one.refusal for one in arrivals if one.refusal and not one.sop_instance_uid]
    response: Attributes = {}
    uids = {one.study_uid for one in kept}
    if len(uids) == 1:
        response[RETRIEVE_URL] = _value("UR", f"{studies}/{uids.pop()}")
    for tag, items in (
        (FAILED_SOP_SEQUENCE, [_reference(one) | _reason(refusal) for one, refusal in failed]),
        (REFERENCED_SOP_SEQUENCE, [_stored(one, studies) for one in kept]),
        (OTHER_FAILURES_SEQUENCE, [_reason(refusal) for refusal in unknown]),
    ):
        if items:
            response[tag] = {"vr": "SQ", "Value": items}
    return response


def status_of(arrivals: Sequence[Arrival]) -> int:
    """200 where all are here, 202 where some are or some with a warning, 409 where none is (Table 10.5.3-1)."""
    refused = sum(one.refusal is not None for one in arrivals)
    if refused == len(arrivals):
        return 409
    return 202 if refused or any(map(_is_coerced, arrivals)) else 200


def failure_reason(refusal: Refusal) -> int:
    """The Failure Reason; by C-STORE the same numbers are the Status (PS3.4 table B.2-1)."""
    return _REASONS.get(refusal, CANNOT_UNDERSTAND)


def _stored(arrival: Arrival, studies: str) -> Attributes:
    where = f"{studies}/{arrival.study_uid}/series/{arrival.series_uid}/instances/{arrival.sop_instance_uid}"
    warned = {WARNING_REASON: _value("US", COERCED)} if _is_coerced(arrival) else {}
    return _reference(arrival) | {RETRIEVE_URL: _value("UR", where)} | warned


def _is_coerced(arrival: Arrival) -> bool:
    own = arrival.sop_instance_uid
    is_given = is_derived(arrival.study_uid, "Study", own) or is_derived(arrival.series_uid, "Series", own)
    return arrival.refusal is None and is_given


def _reference(arrival: Arrival) -> Attributes:
    return {
        REFERENCED_SOP_CLASS_UID: _value("UI", arrival.sop_class_uid),
        REFERENCED_SOP_INSTANCE_UID: _value("UI", arrival.sop_instance_uid),
    }


def _reason(refusal: Refusal) -> Attributes:
    return {FAILURE_REASON: _value("US", failure_reason(refusal))}


def _value(vr: str, value: str | int) -> Attributes:
    return {"vr": vr, "Value": [value]}
