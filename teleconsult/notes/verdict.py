"""What a check of a signed note can find."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

SIZE_LIMIT: Final = 20 * 1024 * 1024
"""Bytes a file to be checked may have."""


class Outcome(StrEnum):
    """What the check found."""

    GOOD = "good"
    UNKNOWN_SIGNER = "unknown-signer"
    BAD = "bad"


class Reason(StrEnum):
    """Why."""

    GOOD = "good"
    EMPTY = "empty"
    TOO_LARGE = "too-large"
    NOT_PDF = "not-pdf"
    ENCRYPTED = "encrypted"
    DAMAGED = "damaged"
    UNSIGNED = "unsigned"
    SEVERAL = "several"
    CHANGED = "changed"
    UNKNOWN_SIGNER = "unknown-signer"
    EXPIRED = "expired"
    NOT_FOR_SIGNING = "not-for-signing"
    UNCHECKABLE = "uncheckable"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The finding. Names come from the certificate, the time is what the signer's machine said (no time-stamp yet)."""

    outcome: Outcome
    reason: Reason
    signer: str = ""
    registration_number: str = ""
    organization: str = ""
    authority: str = ""
    signed_at: datetime | None = None

    @property
    def is_good(self) -> bool:
        """Whether the file can be relied on."""
        return self.outcome is Outcome.GOOD

    def to_json(self) -> str:
        """For another process."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read back what `to_json` wrote."""
        values: dict[str, Any] = json.loads(text)
        signed_at = values["signed_at"]
        return cls(
            **values
            | {
                "outcome": Outcome(values["outcome"]),
                "reason": Reason(values["reason"]),
                "signed_at": signed_at and datetime.fromisoformat(signed_at),
            }
        )
