"""What is said on a page of notes on their way: where each stands, why, and what to do about it."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from teleconsult.delivery.audience import Audience
from teleconsult.delivery.models import Channel, DeliveryStatus, Purpose
from teleconsult.delivery.queries import Standing
from teleconsult.delivery.reasons import Reason
from web.i18n import LazyString
from web.i18n import lazy_gettext as _

REASONS: Final[Mapping[Reason, LazyString]] = {
    Reason.CONSENT_WITHDRAWN: _("The patient withdrew the consent before it was sent."),
    Reason.NO_FILE: _("The patient is not known there by number. Have the recipient register the number, then resend."),
    Reason.RETRACTED: _("It was withdrawn before it left."),
    Reason.NEVER_SENT: _("It never went there, so nothing had to be taken back."),
    Reason.REPLACED: _("A later version went in its place."),
    Reason.ENDPOINT_OFF: _("The system was taken off the list. Send it another way, or give it up."),
    Reason.ENDPOINT_SUSPENDED: _("The system is suspended. It goes once an administrator takes it up again."),
    Reason.NO_CHANNEL: _("This installation cannot send that way. Ask the operator."),
    Reason.FORBIDDEN_PLACE: _("Its address is one that may not be written to. The operator can allow its network."),
    Reason.UNREACHABLE: _("Nothing answers at its address. Check the address, the port and the firewall."),
    Reason.SILENT: _("It was sent, and no answer came in time. It goes again under the same number."),
    Reason.LOST: _("The line broke off before the answer. It goes again under the same number."),
    Reason.CERTIFICATE: _("Its certificate is not one that we trust. Check the certificate of its authority."),
    Reason.NO_TLS: _("It does not agree to TLS there. Check the port."),
    Reason.UNAUTHORIZED: _("It does not accept our token. Ask the recipient for a new one."),
    Reason.REFUSED: _("It refused the note for good. What it said stands below."),
    Reason.TROUBLE: _("It could not take the note now. What it said stands below."),
    Reason.NOT_UNDERSTOOD: _("Its answer cannot be read. Ask who runs it."),
    Reason.TOO_MUCH: _("Its answer was too long. Ask who runs it."),
    Reason.TOO_LARGE: _("The note is larger than a mail may be (25 MB). Give it to the recipient another way."),
    Reason.NO_MAILBOX: _("Our directory has no such secure mailbox any more. Look the recipient up again."),
    Reason.OPPOSED: _("The patient does not want documents sent there."),
    Reason.NOT_MEANT: _("Who wrote the note did not mean it for them: it is marked so."),
    Reason.SEALED: _("Our token for it cannot be opened any more. Type it again under Other systems."),
    Reason.WORKER_LOST: _("Sending was interrupted at our side. It goes again under the same number."),
    Reason.OURS: _("Something broke at our side. Tell the operator."),
    Reason.DEADLINE: _("It was tried for days. Ask the recipient, then resend it or send it another way."),
    Reason.BOUNCED: _("It was accepted and came back. Check the address with the recipient."),
    Reason.NOT_FILED: _("The recipient’s system could not put it into a file. What it said stands below."),
    Reason.GIVEN_UP: _("Somebody gave it up. Their reason stands below."),
    Reason.REROUTED: _("It was sent another way instead."),
}

DELIVERY_LABELS: Final[Mapping[type[StrEnum], Mapping[StrEnum, LazyString]]] = {
    Channel: {
        Channel.PATIENT_FILE: _("Patient file"),
        Channel.SECURE_MAIL: _("Secure mail"),
        Channel.FHIR: _("FHIR system"),
        Channel.HL7V2: _("HL7 v2 system"),
    },
    Audience: {
        Audience.EVERYBODY: _("Everybody who treats the patient, and the patient"),
        Audience.NOT_PATIENT_YET: _("Not the patient yet: somebody has to tell them first"),
        Audience.NOT_GUARDIANS: _("Not the patient’s legal representatives"),
        Audience.PATIENT_ALONE: _("By mail, the patient alone"),
    },
    Purpose: {Purpose.DOCUMENT: _("Note"), Purpose.RETRACTION: _("Word that the note was withdrawn")},
    Standing: {
        Standing.STUCK: _("To look after"),
        Standing.UNDER_WAY: _("On their way"),
        Standing.ARRIVED: _("Arrived"),
        Standing.ENDED: _("Ended"),
    },
    DeliveryStatus: {
        DeliveryStatus.QUEUED: _("Waits to be sent"),
        DeliveryStatus.SENDING: _("Being sent"),
        DeliveryStatus.SENT_UNKNOWN: _("Sent, no answer yet"),
        DeliveryStatus.ACCEPTED: _("Handed over"),
        DeliveryStatus.DELIVERED: _("Delivered"),
        DeliveryStatus.READ: _("Read"),
        DeliveryStatus.RETRY_WAIT: _("Will be tried again"),
        DeliveryStatus.DEAD: _("Not delivered"),
        DeliveryStatus.CANCELLED: _("Not sent"),
        DeliveryStatus.SUPERSEDED: _("Replaced before it was sent"),
    },
}

TONES: Final[Mapping[DeliveryStatus, tuple[str | None, str]]] = {
    DeliveryStatus.QUEUED: ("info", "clock"),
    DeliveryStatus.SENDING: ("info", "send"),
    DeliveryStatus.SENT_UNKNOWN: ("warn", "clock"),
    DeliveryStatus.ACCEPTED: ("ok", "check"),
    DeliveryStatus.DELIVERED: ("ok", "check"),
    DeliveryStatus.READ: ("ok", "check-circle"),
    DeliveryStatus.RETRY_WAIT: ("warn", "clock"),
    DeliveryStatus.DEAD: ("danger", "warning"),
    DeliveryStatus.CANCELLED: (None, "minus"),
    DeliveryStatus.SUPERSEDED: (None, "minus"),
}
"""How a badge looks: its tone and its icon."""


def reason_in_words(reason: str) -> LazyString | str:
    """Why it is where it is; empty where nothing is to be said."""
    return REASONS[Reason(reason)] if reason in set(Reason) else ""
