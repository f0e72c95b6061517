"""What kind of act an entry of the log is: for who looks for some of them, and for FHIR."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, and_, not_, or_

from teleconsult.audit.models import AuditEvent

READS: Final = frozenset(
    {"consult-read", "consult-received", "excerpt-read", "file-opened", "note-read", "shared-file-read", "study-opened"}
    | {"consult-exported", "file-exported", "identities-compared", "patient-read", "patients-searched"}
    | {"study-taken-for-teaching", "hl7-message-read", "looking-joined"}
)
"""Acts that show a part of a patient's file to somebody."""
GLASS: Final = frozenset({"glass-broken", "glass-closed", "glass-reviewed"})
SEARCHES: Final = frozenset({"audit-read", "patient-sought-elsewhere", "patients-searched"})
WAYS_IN: Final = (
    "signed-",
    "sign-in",
    "second-factor",
    "passkey",
    "password",
    "recovery-code",
    "step",
    "identity-",
    "token",
    "client-",
)
"""How the names of acts begin that have to do with proving who one is."""
CARE: Final = frozenset({"consult-submitted", "consult-booked", "time-proposed", "encounter-arrived", "guest-invited"})
"""Acts that show that a patient is being seen at a distance."""


class Kind(StrEnum):
    """What the log can be narrowed to."""

    READING = "reading"
    CHANGES = "changes"
    """Anything else done to a patient's file."""
    REFUSED = "refused"
    BREAK_GLASS = "break-glass"
    SIGN_IN = "sign-in"
    AUDIT = "audit"
    """Who read this log, and who took it away."""
    OTHER = "other"


_action = AuditEvent.action
_is_way_in = and_(or_(*(_action.startswith(prefix) for prefix in WAYS_IN)), AuditEvent.patient_id.is_(None))
_is_of_log = _action.startswith("audit-")

CONDITIONS: Final[Mapping[Kind, ColumnElement[bool]]] = {
    Kind.READING: _action.in_(READS),
    Kind.CHANGES: and_(AuditEvent.patient_id.is_not(None), _action.not_in(READS | GLASS | SEARCHES)),
    Kind.REFUSED: AuditEvent.outcome == "denied",
    Kind.BREAK_GLASS: _action.in_({*GLASS, "patient-sought-elsewhere"}),
    Kind.SIGN_IN: _is_way_in,
    Kind.AUDIT: _is_of_log,
    Kind.OTHER: and_(AuditEvent.patient_id.is_(None), not_(_is_way_in), not_(_is_of_log)),
}
"""On `audit_event`."""
