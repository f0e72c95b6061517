"""The flat extract of secure mailboxes of the French national directory (ANS, "Extraction Correspondance MSSanté").

Text in UTF-8, a first line of names, one line a mailbox, fields separated by `|`. Of its 31 columns these are read;
others may come and go. Mailboxes on the red list are not in the public one.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from teleconsult.directory.mailboxes.addresses import plain_address
from teleconsult.directory.mailboxes.listed import (
    NO_ADDRESS,
    NO_OWNER,
    NO_TYPE,
    NOT_READ,
    Listed,
    RefusedPlace,
    shown_name,
)
from teleconsult.directory.mailboxes.models import MailboxType
from teleconsult.directory.mailboxes.numbers import person_number, structure_number
from teleconsult.errors import Invalid, TooLarge

LONGEST_LINE: Final = 8192
"""Bytes; a real one has some 500."""
MOST_LINES: Final = 1_000_000
TYPE, ADDRESS = "type de bal", "adresse bal"
PERSON, NATIONAL_PERSON, STRUCTURE = "identifiant pp", "identification nationale pp", "identification structure"
_NAMES: Final = {
    "prefix": ("civilité d'exercice", "civilité exercice"),
    "family": ("nom d'exercice",),
    "given": ("prénom d'exercice",),
    "profession": ("libellé profession",),
    "specialty": ("libellé savoir-faire",),
    "service": ("service de rattachement",),
    "structure": ("raison sociale structure bal",),
    "trade_name": ("enseigne commerciale structure bal",),
    "place": ("l6ligneacheminement structure bal",),
    "red": ("liste rouge",),
}
TITLES: Final = {"docteur": "Dr", "dr": "Dr", "professeur": "Pr", "pr": "Pr"}
_YES: Final = frozenset({"o", "oui", "1", "true", "y"})


def read_mailboxes(path: Path) -> Iterator[Listed | RefusedPlace | int]:
    """Every mailbox, what could not be read, and now and then an int: bytes read so far.

    Raises Invalid where the first line is no header, TooLarge for too many lines.
    """
    with path.open("rb") as file:
        places = _header(file.readline(LONGEST_LINE))
        line = 1
        while raw := file.readline(LONGEST_LINE):
            line += 1
            if line > MOST_LINES:
                raise TooLarge("This extract has too many lines. Take one region.")
            if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
                while (piece := file.readline(65536)) and not piece.endswith(b"\n"):
                    pass
                yield RefusedPlace(line, NOT_READ)
            elif raw.strip():
                yield _read_line(raw, line, places)
            if line % 1000 == 0:
                yield file.tell()


def _header(raw: bytes) -> dict[str, int]:
    try:
        names = [name.strip(' "\r\n').replace("’", "'").lower() for name in raw.decode("utf-8-sig").split("|")]
    except UnicodeDecodeError:
        names = []
    if not {TYPE, ADDRESS, STRUCTURE} <= set(names) or not {PERSON, NATIONAL_PERSON} & set(names):
        raise Invalid({"file": "This is no extract of mailboxes: its first line does not name the columns."})
    return {name: names.index(name) for name in names if name} | {"": len(names)}


def _read_line(raw: bytes, line: int, places: dict[str, int]) -> Listed | RefusedPlace:
    try:
        fields = [field.strip().strip('"').strip() for field in raw.decode().rstrip("\r\n").split("|")]
    except UnicodeDecodeError:
        return RefusedPlace(line, NOT_READ)
    width = places[""]
    if len(fields) not in (width, width + 1) or not all(field.isprintable() for field in fields):
        return RefusedPlace(line, NOT_READ)

    def field(*names: str) -> str:
        return next((fields[places[name]] for name in names if name in places and fields[places[name]]), "")

    address, kind = plain_address(field(ADDRESS)), field(TYPE).upper()
    if not address:
        return RefusedPlace(line, NO_ADDRESS)
    if kind not in set(MailboxType):
        return RefusedPlace(line, NO_TYPE)
    person = person_number(field(NATIONAL_PERSON)) or person_number(field(PERSON))
    structure = structure_number(field(STRUCTURE))
    if kind in (MailboxType.APPLICATION, MailboxType.ORGANISATION):
        person = ""
    if not (person or structure) or (kind in (MailboxType.PERSON, MailboxType.PRACTICE) and not person):
        return RefusedPlace(line, NO_OWNER)
    said = {name: shown_name(field(*columns)) for name, columns in _NAMES.items()}
    return Listed(
        address=address,
        type=kind,
        is_secure=True,  # there are no others in this extract
        registration_number=person,
        structure_number=structure,
        family=said["family"] if person else "",
        given=said["given"] if person else "",
        prefix=TITLES.get(said["prefix"].lower(), "") if person else "",
        profession=" · ".join(filter(None, (said["profession"], said["specialty"]))) if person else "",
        structure=said["structure"] or said["trade_name"],
        service=said["service"],
        place=said["place"],
        is_red_listed=said["red"].lower() in _YES,
    )
