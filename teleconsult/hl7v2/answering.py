"""The answer to a message: ACK with MSA and, where it was not taken, ERR (HL7 v2.5.1 §2.9.2, §2.15.5)."""

import uuid
from datetime import UTC, datetime
from typing import Final

from teleconsult.hl7v2.models import Acknowledgment
from teleconsult.hl7v2.reading import Fault, Message

APPLICATION: Final = "TELECONSULT"


def acknowledged(
    message: Message | None, code: Acknowledgment, *, moment: datetime, fault: Fault | None = None
) -> bytes:
    """The bytes of the ACK, in UTF-8, without the frame. `message` is None where nothing of it could be read."""
    header = message.header if message else None

    def theirs(field: int) -> str:
        return _escaped(header.text(field)) if header else ""

    event = _escaped(message.kind[1]) if message else ""
    fields = [
        *("MSH", "^~\\&", APPLICATION, "", theirs(3), theirs(4)),
        *(f"{moment.astimezone(UTC):%Y%m%d%H%M%S}+0000", ""),
        *(f"ACK^{event}^ACK" if event else "ACK", uuid.uuid4().hex[:20], theirs(11) or "P", theirs(12) or "2.5.1"),
        *("", "", "", "", "", "UNICODE UTF-8"),
    ]
    lines = ["|".join(fields), f"MSA|{code}|{theirs(10)}"]
    if fault is not None:
        where = fault.where.replace("-", "^1^")
        lines.append(f"ERR||{where}|{fault.code}^^HL70357|E||||{_escaped(fault.said)}")
    return ("\r".join(lines) + "\r").encode()


def _escaped(text: str) -> str:
    """What is sent back must not become a part of the frame or of another field."""
    for letter, sequence in (("\\", "\\E\\"), ("|", "\\F\\"), ("^", "\\S\\"), ("&", "\\T\\"), ("~", "\\R\\")):
        text = text.replace(letter, sequence)
    return "".join(letter for letter in text if letter >= " ")
