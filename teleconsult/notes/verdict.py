"""What a check of a signed note can find."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

SIZE_LIMIT: Final = 20 * 1024 * 1024
"""Bytes a file to be checked may have."""


def plausible(moment: datetime | None) -> datetime | None:
    """A moment as every page can tell it in every time zone; None for one that no note was signed at."""
    is_told = moment is not None and moment.tzinfo is not None and 1900 < moment.year < 9999
    return moment if is_told else None


class Kind(StrEnum):
    """What was checked."""

    PDF = "pdf"
    BUNDLE = "bundle"
    """The exported FHIR document."""


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
    HEADER_CHANGED = "header-changed"
    """Of a FHIR document: who signed it and when is not what it was."""
    SIGNATURE_CHANGED = "signature-changed"
    NOT_TOGETHER = "not-together"
    """Each of two files is good, and they are not of the same note."""
    UNKNOWN_SIGNER = "unknown-signer"
    EXPIRED = "expired"
    NOT_FOR_SIGNING = "not-for-signing"
    REVOKED = "revoked"
    UNKNOWN_CLOCK = "unknown-clock"
    CLOCK_REVOKED = "clock-revoked"
    """Of who gave a time-stamp; the signer is not spoken of."""
    NO_EVIDENCE = "no-evidence"
    TIMES_DISAGREE = "times-disagree"
    UNCHECKABLE = "uncheckable"


@dataclass(frozen=True, slots=True)
class Signatory:
    """One of those who signed, by their certificate; `reason` says whether this one's signature can be relied on."""

    name: str
    registration_number: str
    organization: str
    authority: str
    signed_at: datetime | None
    reason: Reason = Reason.GOOD
    proven_at: datetime | None = None
    level: str = ""

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """As JSON has it."""
        moments = {name: values[name] and datetime.fromisoformat(values[name]) for name in ("signed_at", "proven_at")}
        return cls(**values | moments | {"reason": Reason(values["reason"])})


@dataclass(frozen=True, slots=True)
class Verdict:
    """The finding. Names come from certificates, and are the first signer's; `signers` has all of them.

    `signed_at` is what the signer's machine said; `proven_at` the oldest time-stamp, None without a good one.
    """

    outcome: Outcome
    reason: Reason
    signer: str = ""
    registration_number: str = ""
    organization: str = ""
    authority: str = ""
    signed_at: datetime | None = None
    kind: Kind = Kind.PDF
    document_oid: str = ""
    """What the document calls itself, where it is a FHIR document."""
    pdf_sha256: str = ""
    """Of the PDF as it was first signed, in hexadecimal: what ties a PDF and its FHIR document together."""
    proven_at: datetime | None = None
    clock: str = ""
    """Who gave the newest time-stamp."""
    renew_before: datetime | None = None
    """When that one's certificate expires."""
    level: str = ""
    """`evidence_models.Level`; empty where there is no signature."""
    indication: str = ""
    """ETSI EN 319 102-1 §5.1.3: main indication, then the sub-indication after a slash."""
    changed_part: int = 0
    """Which one does not hold, of signatures and time-stamps in their order, from 1; 0 where nothing tells."""
    signers: tuple[Signatory, ...] = ()
    """All who signed, in their order; the file is good where each of them can be relied on."""

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
        moments = ("signed_at", "proven_at", "renew_before")
        return cls(
            **values
            | {
                "outcome": Outcome(values["outcome"]),
                "reason": Reason(values["reason"]),
                "kind": Kind(values["kind"]),
                "signers": tuple(Signatory.of(each) for each in values["signers"]),
            }
            | {name: values[name] and datetime.fromisoformat(values[name]) for name in moments}
        )
