"""One FHIR interaction, asked and answered: the same for a request and for an entry of a Bundle (R4 §3.1.0)."""

import re
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from teleconsult.fhir.attachments import Attached
from teleconsult.fhir.outcomes import BadRequest, Stale
from teleconsult.objects import Objects
from teleconsult.records.documents import Document

Pairs = Sequence[tuple[str, str]]
_ETAG: Final = re.compile(r'\s*(?:W/)?"([A-Za-z0-9.-]{1,64})"\s*')


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked: a method on an address below the server's, with the headers that FHIR gives a meaning."""

    method: str
    segments: tuple[str, ...]
    """The address in parts: `("Observation", "1f0…", "_history", "2")`."""
    server: str
    """Our own FHIR address as links spell it, without a slash at its end."""
    naming: str
    """The address that the systems of our own numbers begin with: the same whichever way a program came."""
    parameters: Pairs = ()
    body: Any = None
    """The resource that came along: bytes of JSON, or what a Bundle's entry holds."""
    media: str = "application/fhir+json"
    if_match: str = ""
    if_none_match: str = ""
    if_none_exist: str = ""
    prefer: str = ""
    attached: Attached | None = None
    """The document that came inside the resource, read and taken out of it."""
    given_id: uuid.UUID | None = None
    """The id that what is created is to have: the entries of a transaction speak of each other."""

    @property
    def is_strict(self) -> bool:
        """Whether a parameter that is not known stops a search (R4 §3.1.1.3)."""
        return "handling=strict" in self._preferences

    @property
    def wanted(self) -> str:
        """What a write answers with: `minimal`, `representation` (where nothing is said) or `OperationOutcome`."""
        for preference in self._preferences:
            name, _equals, value = preference.partition("=")
            if name == "return" and value in ("minimal", "representation", "OperationOutcome"):
                return value
        return "representation"

    @property
    def _preferences(self) -> list[str]:
        return [part.strip() for part in re.split(r"[;,]", self.prefer)]


@dataclass(frozen=True, slots=True)
class Answered:
    """What comes back. `version` and `modified` are the resource's, `location` the address of what was made."""

    status: int
    resource: dict[str, Any] | None = None
    version: str = ""
    modified: datetime | None = None
    location: str = ""
    content: Callable[[Objects], Awaitable[Document]] | None = None
    """Reads the bytes that `resource` is about, once the transaction is over."""


def version_wanted(asked: Asked) -> int | None:
    """The version that `If-Match` names; None where it names none (R4 §3.1.0.5).

    Raises BadRequest for what is no version of ours to name.
    """
    if not asked.if_match:
        return None
    match = _ETAG.fullmatch(asked.if_match)
    if match is None:
        raise BadRequest('If-Match names one version, as in W/"3".')
    if not match[1].isdecimal() or len(match[1]) > 9:
        raise Stale
    return int(match[1])


def is_known(asked: Asked, version: str) -> bool:
    """Whether `If-None-Match` says that this version is at hand already: a 304 is enough (R4 §3.1.0.2)."""
    return any((match := _ETAG.fullmatch(one)) and match[1] == version for one in asked.if_none_match.split(","))
