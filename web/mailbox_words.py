"""What codes of mailboxes and of what is received are called on a page."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.delivery.recipient_models import OpposedTo
from teleconsult.directory.mailboxes.models import ChoiceKind, ImportStatus, MailboxDifferenceKind, MailboxType
from teleconsult.received.models import ReceivedStatus
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

MAILBOX_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    MailboxType: {
        MailboxType.APPLICATION: _("Of a record system (APP)"),
        MailboxType.ORGANISATION: _("Of a service (ORG)"),
        MailboxType.PRACTICE: _("Of a practice (CAB)"),
        MailboxType.PERSON: _("Of a person (PER)"),
    },
    MailboxDifferenceKind: {
        MailboxDifferenceKind.ADDED: _("New"),
        MailboxDifferenceKind.CHANGED: _("Changed"),
        MailboxDifferenceKind.DELETED: _("Deleted by the directory"),
        MailboxDifferenceKind.DISAPPEARED: _("Missing in the file"),
    },
    ImportStatus: {
        ImportStatus.READING: _("Being read"),
        ImportStatus.READY: _("Read"),
        ImportStatus.CANCELLED: _("Stopped"),
        ImportStatus.FAILED: _("Could not be read"),
    },
    ChoiceKind: {
        ChoiceKind.SAME_ADDRESS: _("One address, several people"),
        ChoiceKind.SEVERAL_BOXES: _("Several addresses"),
        ChoiceKind.NEAR_NAMES: _("Nearly the same name"),
    },
    ReceivedStatus: {
        ReceivedStatus.WAITING: _("To sort"),
        ReceivedStatus.FILED: _("Filed"),
        ReceivedStatus.REJECTED: _("Rejected"),
        ReceivedStatus.UNREADABLE: _("Cannot be read"),
    },
    OpposedTo: {
        OpposedTo.PATIENT: _("The patient does not want it sent to themselves"),
        OpposedTo.PROFESSIONALS: _("The patient does not want it mailed to professionals"),
    },
}
MAILBOX_ACTS: Final[Mapping[str, LazyString]] = {
    "correspondent-added": _("Added who receives the notes"),
    "correspondent-removed": _("Took away who receives the notes"),
    "family-doctor-named": _("Named the family doctor"),
    "mailbox-chosen": _("Decided about an address"),
    "mailboxes-decided": _("Decided on changes of the directory of mailboxes"),
    "mailboxes-read": _("Had a file of mailboxes read"),
    "mailboxes-read-cancelled": _("Stopped the reading of a file of mailboxes"),
    "message-answered": _("Answered the sender of documents received by mail"),
    "message-filed": _("Filed documents received by mail"),
    "message-looked-at": _("Looked at documents received by mail"),
    "message-received": _("Received documents by mail"),
    "message-rejected": _("Rejected documents received by mail"),
    "opposition-recorded": _("Noted that the patient is opposed to sending"),
    "opposition-withdrawn": _("Noted that the patient is not opposed to sending any more"),
}
