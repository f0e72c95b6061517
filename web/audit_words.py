"""What an entry of the audit log is called on a page; the log itself keeps its codes."""

from collections.abc import Mapping
from typing import Final

from web.i18n import LazyString
from web.i18n import lazy_gettext as _

ACTS: Final[Mapping[str, LazyString]] = {
    "access-denied": _("Access refused"),
    "care-relation-opened": _("Said to be treating the patient"),
    "chat-written": _("Wrote in the chat"),
    "consent-recorded": _("Recorded the consent"),
    "consult-accepted": _("Accepted a consult"),
    "consult-booked": _("Booked the time of a consult"),
    "consult-cancelled": _("Cancelled a consult"),
    "consult-declined": _("Declined a consult"),
    "consult-draft-discarded": _("Deleted a draft"),
    "consult-drafted": _("Began a request"),
    "consult-read": _("Read a consult"),
    "consult-received": _("Opened a request"),
    "consult-submitted": _("Submitted a request"),
    "encounter-arrived": _("Entered the waiting room"),
    "encounter-ended": _("Ended a session"),
    "encounter-finished": _("Closed a session"),
    "encounter-left": _("Left a session"),
    "encounter-planned": _("Planned a session"),
    "encounter-refused": _("Kept out of a session"),
    "message-refused": _("Was refused a message in a live session"),
    "encounter-rejoined": _("Came back to a session"),
    "encounter-resumed": _("Resumed a session"),
    "encounter-started": _("Started a session"),
    "entry-filed": _("Added to a patient's file"),
    "excerpt-frozen": _("Froze an excerpt"),
    "excerpt-read": _("Read an excerpt"),
    "file-opened": _("Opened a patient's file"),
    "identity-resolved": _("Said who a patient is"),
    "images-stored": _("Received images"),
    "note-acknowledged": _("Acknowledged a note"),
    "note-delivered": _("Delivered a note"),
    "note-drafted": _("Began a note"),
    "note-read": _("Read a note"),
    "note-signed": _("Signed a note"),
    "patient-registered": _("Registered a patient"),
    "sign-in-failed": _("Failed to sign in"),
    "signed-in": _("Signed in"),
    "signed-out": _("Signed out"),
    "signer-enrolled": _("Received a signing certificate"),
    "step-up-failed": _("Failed to confirm that it is them"),
    "stepped-up": _("Confirmed that it is them"),
    "study-opened": _("Opened images"),
    "study-reconciled": _("Confirmed whose images they are"),
    "study-removed": _("Removed images"),
    "time-proposed": _("Proposed a time"),
    "token-issued": _("Issued a token"),
    "token-key-rotated": _("Changed the key of tokens"),
    "token-revoked": _("Revoked a token"),
    "unknown-patient-registered": _("Registered a patient without a name"),
}


def act_name(action: str) -> str:
    """The act in the reader's words; its code where we have none."""
    return str(ACTS.get(action, action))
