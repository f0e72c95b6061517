"""A mailbox as a file of the national directory has it, and how such a file is told apart."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Self

from teleconsult.directory.mailboxes.models import Mailbox, MailboxSource
from teleconsult.patients.names import fold


def _(message: str) -> str:
    """Mark a sentence for the catalogues; it is translated where it is shown."""
    return message


LONGEST: Final = 200
"""Characters of a name; more is cut."""
NO_ADDRESS: Final = _("The address cannot be read.")
NO_OWNER: Final = _("It names neither a person nor a structure by a number.")
NO_TYPE: Final = _("The type of the mailbox is none of APP, ORG, CAB and PER.")
NOT_READ: Final = _("It cannot be read.")
OTHER_DETAILS: Final = _("The same mailbox of the same owner stands in the file with other details.")


@dataclass(frozen=True, slots=True)
class Listed:
    """One mailbox of one owner. `type` is a code of `MailboxType`, empty for an ordinary address."""

    address: str
    type: str
    is_secure: bool
    registration_number: str = ""
    structure_number: str = ""
    family: str = ""
    given: str = ""
    prefix: str = ""
    profession: str = ""
    structure: str = ""
    service: str = ""
    place: str = ""
    is_red_listed: bool = False
    is_active: bool = True

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Self:
        """From `details`, and the key."""
        return cls(**told)

    @classmethod
    def of(cls, mailbox: Mailbox) -> Self:
        """As it stands in our directory."""
        return cls.read({name: getattr(mailbox, name) or "" for name in _WORDS} | _flags(mailbox))

    @property
    def key(self) -> tuple[str, str, str]:
        """What makes it the same: address, person, structure."""
        return self.address, self.registration_number, self.structure_number

    @property
    def details(self) -> dict[str, Any]:
        """All but the key."""
        return {name: value for name, value in asdict(self).items() if name not in _KEY}

    @property
    def words(self) -> str:
        """What it is searched by, folded."""
        said = (self.family, self.given, self.structure, self.service, self.place, self.profession)
        return fold(" ".join((*said, self.registration_number, self.structure_number, self.address)))


_KEY: Final = ("address", "registration_number", "structure_number")
_WORDS: Final = (
    *("address", "type", "registration_number", "structure_number", "family", "given", "prefix", "profession"),
    *("structure", "service", "place"),
)


def _flags(mailbox: Mailbox) -> dict[str, bool]:
    return {name: getattr(mailbox, name) for name in ("is_secure", "is_red_listed", "is_active")}


@dataclass(frozen=True, slots=True)
class RefusedPlace:
    """What could not be read: the line of an extract or the resource of a Bundle, from 1, and why."""

    place: int
    reason: str


def source_of(head: bytes) -> MailboxSource | None:
    """What kind of file begins like this; None for none that is read here."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"{"):
        return MailboxSource.FHIR
    first = text.partition(b"\n")[0].decode("utf-8", errors="replace").lower()
    return MailboxSource.EXTRACT if "|" in first and "adresse bal" in first else None


def shown_name(name: str) -> str:
    """The directory writes names in capitals; people do not. One line, and not without end."""
    plain = " ".join(name.split())[:LONGEST]
    return plain.title() if plain.isupper() else plain
