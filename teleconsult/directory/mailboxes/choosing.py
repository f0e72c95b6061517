"""To which mailbox of a correspondent something is sent: a pure choice, and never a guess.

Only mailboxes that the directory marks as secure, that are active and off the red list. Those of systems and services
come before those of people (ANS, Référentiel socle MSSanté #2: a document for a structure's file goes to its
application mailbox), a person's at the very structure before the one they carry with them. Where two are left, or where
nothing but a person's mailbox at some other structure is, a person chooses; what they chose once is kept to while it
stands.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from teleconsult.directory.mailboxes.models import Mailbox, MailboxType

OF_STRUCTURES: Final = (MailboxType.APPLICATION, MailboxType.ORGANISATION)
OF_PEOPLE: Final = (MailboxType.PRACTICE, MailboxType.PERSON)


@dataclass(frozen=True, slots=True)
class Correspondent:
    """Who is to receive something: a person, a structure, or a person at a structure.

    `address` is the mailbox somebody picked in the directory, if they did.
    """

    name: str
    registration_number: str = ""
    structure_number: str = ""
    address: str = ""

    @property
    def key(self) -> str:
        """What a choice is remembered for."""
        return f"{self.registration_number}@{self.structure_number}"


@dataclass(frozen=True, slots=True)
class Chosen:
    """The one address."""

    correspondent: Correspondent
    address: str


@dataclass(frozen=True, slots=True)
class OpenChoice:
    """A person has to choose among these; none of them where the one that was picked may not be written to."""

    correspondent: Correspondent
    candidates: tuple[Mailbox, ...]


Choice: TypeAlias = Chosen | OpenChoice | None
"""None: this correspondent has no secure mailbox that we know of."""


def is_usable(mailbox: Mailbox) -> bool:
    """Whether it may be written to at all."""
    return mailbox.is_secure and mailbox.is_active and not mailbox.is_red_listed and mailbox.type is not None


def choose_mailbox(to: Correspondent, mailboxes: Iterable[Mailbox], *, remembered: str = "") -> Choice:
    """Where to write to `to`. `mailboxes` are those known of the person and of the structure, in any order.

    `remembered` is the address that was chosen for this correspondent before. It, and one that was picked, count only
    while they are theirs and may be written to.
    """
    theirs = [one for one in mailboxes if is_usable(one) and _is_theirs(one, to)]
    known = {one.address for one in theirs}
    if to.address:
        return Chosen(to, to.address) if to.address in known else OpenChoice(to, _each_once(theirs))
    if remembered in known:
        return Chosen(to, remembered)
    for group in _groups(theirs, to):
        if len({one.address for one in group}) == 1:
            return Chosen(to, group[0].address)
        if group:
            return OpenChoice(to, _each_once(group))
    return OpenChoice(to, _each_once(theirs)) if theirs else None


def _groups(theirs: Sequence[Mailbox], to: Correspondent) -> Iterable[list[Mailbox]]:
    """Of one kind each, the best first; a person's mailbox at another structure than the one meant is in none."""
    for kind in OF_STRUCTURES:
        yield [one for one in theirs if one.type is kind and not one.registration_number]
    at_structure = [one for one in theirs if one.registration_number and one.structure_number == to.structure_number]
    if to.structure_number:
        yield at_structure
    yield [one for one in theirs if one.registration_number and not one.structure_number]


def _is_theirs(mailbox: Mailbox, to: Correspondent) -> bool:
    if mailbox.registration_number:
        return mailbox.type in OF_PEOPLE and mailbox.registration_number == to.registration_number
    return (
        mailbox.type in OF_STRUCTURES
        and bool(mailbox.structure_number)
        and mailbox.structure_number == to.structure_number
    )


def _each_once(mailboxes: Iterable[Mailbox]) -> tuple[Mailbox, ...]:
    return tuple({one.address: one for one in sorted(mailboxes, key=lambda one: one.address)}.values())
