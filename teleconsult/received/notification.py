"""The answer to who asked to be told what became of their mail: a disposition notification (MDN, RFC 8098).

Made of the decision alone: tried again, it is the same bytes under the same Message-ID. Nothing of the mail comes back
with it but its number: its subject names a patient.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

from teleconsult.received.models import ReceivedStatus

SAID: Final = {
    ReceivedStatus.FILED: (
        "displayed",
        "Document classé",
        "Le message ci-dessous a été lu ; son document a été classé dans le dossier du patient.",
    ),
    ReceivedStatus.REJECTED: (
        "deleted",
        "Document non classé",
        "Le message ci-dessous a été écarté : son document n'a été classé dans aucun dossier.",
    ),
}
"""RFC 8098 §3.2.6.2; what people read is in the language of the mail space."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be said about one mail. `ours` is the mailbox it came to, `number` its Message-ID."""

    message_id: uuid.UUID
    ours: str
    to: str
    number: str
    status: ReceivedStatus
    decided_at: datetime


def write_notification(answer: Answer) -> bytes:
    """The whole mail (RFC 8098 §3): words for people, then fields for programs."""
    disposition, subject, words = SAID[answer.status]
    report = MIMEMultipart("report", report_type="disposition-notification", boundary=f"=_{answer.message_id.hex}")
    report["From"], report["To"] = answer.ours, answer.to
    report["Subject"] = subject if subject.isascii() else _encoded(subject)
    report["Date"] = format_datetime(answer.decided_at)
    report["Message-ID"] = f"<{answer.message_id.hex}.mdn@{answer.ours.rpartition('@')[2]}>"
    report["In-Reply-To"] = report["References"] = answer.number
    report["Auto-Submitted"] = "auto-replied"  # RFC 3834 §5
    report.attach(MIMEText(f"{words}\n\n{answer.number}\n", "plain", "utf-8"))
    fields = MIMENonMultipart("message", "disposition-notification")
    fields.set_payload(
        "Reporting-UA: teleconsult\r\n"
        f"Final-Recipient: rfc822;{answer.ours}\r\n"
        f"Original-Message-ID: {answer.number}\r\n"
        f"Disposition: manual-action/MDN-sent-automatically; {disposition}\r\n"
    )
    report.attach(fields)
    return report.as_bytes(policy=SMTP)


def _encoded(subject: str) -> str:
    message = EmailMessage(policy=SMTP)
    message["Subject"] = subject
    return message.as_string().partition(":")[2].strip()
