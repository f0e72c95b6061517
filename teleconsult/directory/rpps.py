"""The extract of the French directory of health professionals, "PS_LibreAcces_Personne_activite" (annuaire.sante.fr).

Text in UTF-8, one line an activity of a person, fields separated by `|`, in quotes or not, a first line of names. Of
its some fifty columns six are read; the others may come and go. One person stands on as many lines as they have
activities. The file is a stranger's: each line is read by itself, and one that cannot be is refused by its number.
"""

import csv
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO, Final

from teleconsult.errors import Invalid, TooLarge

LONGEST_LINE: Final = 8192
"""Bytes; a line of the real file has some 600."""
MOST_LINES: Final = 400_000
MOST_COLUMNS: Final = 200
LONGEST_NAME: Final = 100
LONGEST_PROFESSION: Final = 200

KIND, NUMBER = "Type d'identifiant PP", "Identifiant PP"
TITLE, FAMILY, GIVEN = "Libellé civilité d'exercice", "Nom d'exercice", "Prénom d'exercice"
PROFESSION = "Libellé profession"
COLUMNS: Final = (KIND, NUMBER, TITLE, FAMILY, GIVEN, PROFESSION)
NUMBERS: Final = {"8": re.compile(r"[0-9]{11}"), "0": re.compile(r"[0-9A-Z]{9}")}
"""RPPS and ADELI, by the kind of identifier (ANS nomenclature TRE_G08)."""
TITLES: Final = {"docteur": "Dr", "dr": "Dr", "professeur": "Pr", "pr": "Pr"}

NOT_TEXT = "The line cannot be read: it is not UTF-8, or a quote is not closed."
TOO_LONG = "The line is too long."
WRONG_COLUMNS = "The line has not as many columns as the first one."
NO_NUMBER = "The number is neither an RPPS nor an ADELI number."
NO_NAME = "The name is missing or cannot be read."
OTHER_NAME = "The same number stands under another name on an earlier line."


@dataclass(frozen=True, slots=True)
class Listed:
    """A professional as the directory has them."""

    registration_number: str
    family: str
    given: str
    prefix: str
    profession: str

    @property
    def traits(self) -> dict[str, str]:
        """All but the number."""
        return {name: value for name, value in asdict(self).items() if name != "registration_number"}


@dataclass(frozen=True, slots=True)
class RefusedLine:
    """A line that could not be read, counted from 1, and why."""

    line: int
    reason: str


def read_extract(path: Path) -> Iterator[Listed | RefusedLine]:
    """Every line after the first one. Raises Invalid where the first one is no header, TooLarge for too many lines."""
    with path.open("rb") as file:
        places = _header(file)
        width, line = places[""], 1
        while raw := file.readline(LONGEST_LINE):
            line += 1
            if line > MOST_LINES:
                raise TooLarge("This extract has too many lines. Take one region or one profession.")
            if not raw.endswith(b"\n") and len(raw) == LONGEST_LINE:
                _skip_rest(file)
                yield RefusedLine(line, TOO_LONG)
            elif raw.strip():
                yield _read_line(raw, line, places, width)


def _header(file: BinaryIO) -> dict[str, int]:
    """Where each column stands; under "" how many there are."""
    raw = file.readline(LONGEST_LINE)
    try:
        names = [name.strip().replace("’", "'") for name in _split(raw.decode("utf-8-sig"))]
    except (UnicodeDecodeError, csv.Error):
        names = []
    if names and not names[-1]:
        names.pop()  # the line ends with a stroke
    missing = [column for column in COLUMNS if column not in names]
    if missing or len(names) > MOST_COLUMNS:
        raise Invalid(
            {"extract": "This is no extract of the directory: its first line does not name the column “%(column)s”."},
            column=missing[0] if missing else NUMBER,
        )
    return {"": len(names), **{column: names.index(column) for column in COLUMNS}}


def _read_line(raw: bytes, line: int, places: dict[str, int], width: int) -> Listed | RefusedLine:
    try:
        text = raw.decode()
        fields = _split(text)
    except (UnicodeDecodeError, csv.Error):
        return RefusedLine(line, NOT_TEXT)
    if len(fields) == width + 1 and not fields[-1]:
        fields.pop()
    if len(fields) != width:
        return RefusedLine(line, WRONG_COLUMNS)
    kind, number, title, family, given, profession = (fields[places[column]].strip() for column in COLUMNS)
    if kind not in NUMBERS or not NUMBERS[kind].fullmatch(number):
        return RefusedLine(line, NO_NUMBER)
    if not (_is_text(family, LONGEST_NAME) and _is_text(given, LONGEST_NAME)):
        return RefusedLine(line, NO_NAME)
    if profession and not _is_text(profession, LONGEST_PROFESSION):
        return RefusedLine(line, NOT_TEXT)
    return Listed(number, _written(family), _written(given), TITLES.get(title.lower(), ""), profession)


def _split(text: str) -> list[str]:
    text = text.rstrip("\r\n")
    return next(csv.reader([text], delimiter="|", strict=True), []) if '"' in text else text.split("|")


def _is_text(value: str, longest: int) -> bool:
    return bool(value) and len(value) <= longest and value.isprintable()


def _written(name: str) -> str:
    """The directory writes names in capitals; people do not."""
    return name.title() if name.isupper() else name


def _skip_rest(file: BinaryIO) -> None:
    while (piece := file.readline(65536)) and not piece.endswith(b"\n"):
        pass
