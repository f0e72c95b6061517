"""What became of our mails, as mail servers and recipients report it: DSN (RFC 3464) and MDN (RFC 8098).

Strangers' mail, read as plain text in bounds. A report is matched by the envelope id or the Message-ID it names, and
counts only where it speaks of the mailbox the mail went to; its subject says nothing.
"""

import email
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from email.parser import HeaderParser
from email.policy import compat32
from email.utils import parseaddr
from typing import Final

from teleconsult.delivery.models import DeliveryStatus
from teleconsult.delivery.reasons import Reason

LARGEST: Final = 256 * 1024
"""Bytes of a mail that are read: what is said stands first, the mail that it is about comes after."""
MOST_RECIPIENTS: Final = 50
LONGEST: Final = 500
_NUMBER: Final = re.compile(r"[0-9a-f]{32}")
_STATES: Final[Mapping[str, DeliveryStatus]] = {
    "failed": DeliveryStatus.DEAD,
    "relayed": DeliveryStatus.ACCEPTED,
    "delivered": DeliveryStatus.DELIVERED,
    "expanded": DeliveryStatus.ACCEPTED,
}
"""RFC 3464 §2.3.3; `delayed` is no news."""
_DISPOSITIONS: Final[Mapping[str, DeliveryStatus]] = {
    "displayed": DeliveryStatus.READ,
    "processed": DeliveryStatus.READ,
    "dispatched": DeliveryStatus.DELIVERED,
    "deleted": DeliveryStatus.DELIVERED,
}
"""RFC 8098 §3.2.6; `processed` is how a hospital's system says that it put the document into the file."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one report says of one mailbox; `addresses` are those it may be about, in lower case."""

    number: str
    addresses: frozenset[str]
    state: DeliveryStatus
    kind: str
    reason: str = ""
    detail: str = ""


def read_report(content: bytes) -> Sequence[Report]:
    """What a mail reports of ours; nothing where it is no report, is damaged or names no mail of ours."""
    try:
        message = email.message_from_bytes(content[:LARGEST], policy=compat32)
        return _read(message)
    except (
        RecursionError,
        ValueError,
        LookupError,
        AttributeError,
        TypeError,
    ):  # what damaged mail makes of the parser
        return ()


def _read(message: Message) -> Sequence[Report]:
    if message.get_content_type() != "multipart/report" or not message.is_multipart():
        return ()
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    kinds = {part.get_content_type(): part for part in reversed(parts)}
    if (status := kinds.get("message/delivery-status")) is not None:
        return _delivery_status(message, status, parts)
    if (disposition := kinds.get("message/disposition-notification")) is not None:
        return _disposition(message, disposition)
    return ()


def _delivery_status(message: Message, status: Message, parts: Sequence[Message]) -> Sequence[Report]:
    """One group of fields about the mail, and one for each recipient (RFC 3464 §2.1)."""
    groups = _groups(status)
    if not groups or _header(message, "Return-Path") not in ("", "<>"):
        return ()  # a report has no sender (RFC 5321 §4.5.5): what has one is made up
    number = _number(_header(groups[0], "Original-Envelope-Id")) or _returned(parts)
    if not number:
        return ()
    found = []
    for group in groups[1 : MOST_RECIPIENTS + 1]:
        state = _STATES.get(_header(group, "Action").lower())
        if state is None:
            continue
        told = " ".join(part for part in (_header(group, "Status"), _header(group, "Diagnostic-Code")) if part)
        bounced = state is DeliveryStatus.DEAD
        found.append(Report(number, _addresses(group), state, "dsn", Reason.BOUNCED if bounced else "", told[:LONGEST]))
    return found


def _disposition(message: Message, part: Message) -> Sequence[Report]:
    groups = _groups(part)
    fields = groups[0] if groups else HeaderParser(policy=compat32).parsestr("")
    number = _number(_header(fields, "Original-Message-ID"))
    said = _header(fields, "Disposition").partition(";")[2].strip()
    kind, _, modifier = said.partition("/")
    state = _DISPOSITIONS.get(kind.strip().lower())
    if not number or state is None:
        return ()
    addresses = _addresses(fields) | {parseaddr(_header(message, "From"))[1].lower()}
    name, _, error = modifier.partition(":")
    wrong = name.strip().lower() in ("error", "failed", "failure")
    if wrong:
        told = error.strip() or _header(fields, "Error") or _header(fields, "Failure")
        return (Report(number, addresses, DeliveryStatus.DEAD, "mdn", Reason.NOT_FILED, told[:LONGEST]),)
    return (Report(number, addresses, state, "mdn", "", kind.strip().lower()),)


def _groups(part: Message) -> list[Message]:
    """The groups of fields of a report: parsed as messages by the parser for `delivery-status`, else as text."""
    payload = part.get_payload()
    if isinstance(payload, list):
        return [group for group in payload if isinstance(group, Message) and group.keys()]
    if not isinstance(payload, str):
        return []
    decoded = part.get_payload(decode=True)
    text = decoded.decode("utf-8", "replace") if isinstance(decoded, bytes) else payload
    return [HeaderParser(policy=compat32).parsestr(text)]


def _returned(parts: Sequence[Message]) -> str:
    """By the Message-ID of the mail that came back with it, where the envelope id did not."""
    for part in parts:
        if part.get_content_type() == "message/rfc822" and part.is_multipart():
            inner = part.get_payload(0)
            if isinstance(inner, Message):
                return _number(_header(inner, "Message-ID"))
        if part.get_content_type() == "text/rfc822-headers" and isinstance(part.get_payload(), str):
            return _number(_header(HeaderParser(policy=compat32).parsestr(str(part.get_payload())), "Message-ID"))
    return ""


def _addresses(fields: Message) -> frozenset[str]:
    """`rfc822; a@b` of both recipients."""
    told = (_header(fields, name) for name in ("Original-Recipient", "Final-Recipient"))
    return frozenset(one.rpartition(";")[2].strip().strip("<>").lower() for one in told if one)


def _number(text: str) -> str:
    """Our number in an envelope id or a Message-ID."""
    whole = text.strip().strip("<>").partition("@")[0].strip()
    return whole if _NUMBER.fullmatch(whole) else ""


def _header(message: Message, name: str) -> str:
    return " ".join(str(message.get(name) or "").split())[:998]
