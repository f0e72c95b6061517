"""By which words a header names its patient, and whether a text has one of them. Runs only inside a sandbox worker."""

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from pydicom.dataset import Dataset

from teleconsult.patients.names import plain

_NAMES: Final = {"PatientName", "OtherPatientNames", "PatientBirthName", "PatientMotherBirthName"}
_NUMBERS: Final = {"PatientID", "OtherPatientIDs", "AccessionNumber"}
_SHORTEST_NAME, _SHORTEST_NUMBER = 2, 3
_LETTER: Final = r"[^\W\d_]"


class Naming:
    """What names the patient anywhere in a header: names, alone or written as one word, numbers, the day of birth."""

    def __init__(self, ds: Dataset) -> None:
        found: set[str] = set()
        for element in ds.iterall():
            if element.keyword in _NAMES:
                found.update(map(_as_pattern, _names_in(str(element.value or ""))))
            elif element.keyword in _NUMBERS:
                words = _words_in(str(element.value or ""))
                found.update(_as_pattern(word) for word in words if len(word) >= _SHORTEST_NUMBER)
            elif element.keyword == "PatientBirthDate":
                found.update(_dates(str(element.value or "")))
        longest_first = sorted(found, key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first)) if found else None

    def is_in(self, text: str, *, is_code: bool = False) -> bool:
        """Whether the text names the patient. A code has no names of two letters, only codes of two letters."""
        if self._pattern is None:
            return False
        shortest = _SHORTEST_NUMBER if is_code else _SHORTEST_NAME
        return any(len(match[0]) >= shortest for match in self._pattern.finditer(plain(text)))


def _names_in(text: str) -> Iterator[str]:
    """Each part of a name and each of its words, and the words of each way it is written (PS3.5 §6.2.1.1) as one.

    Parts as they are: of letters in a character set that the header does not tell, no words may be left.
    """
    for written in text.split("="):
        parts = (part.strip() for part in plain(written).split("^"))
        yield from (part for part in parts if len(part) >= _SHORTEST_NAME)
        words = _words_in(written)
        yield from (word for word in words if len(word) >= _SHORTEST_NAME)
        if len(words) > 1:
            yield from ("".join(words), "".join(reversed(words)))


def _words_in(text: str) -> list[str]:
    """Letters, marks and digits; `isalnum` would cut the names of Indian languages at their vowels."""
    return "".join(one if unicodedata.category(one)[0] in "LMN" else " " for one in plain(text)).split()


def _as_pattern(word: str) -> str:
    """A word by itself: beside it stand no more letters, or digits. What is written without spaces stands anywhere."""
    before, after = (_same_kind(letter) for letter in (word[0], word[-1]))
    start, end = f"(?<!{before})" if before else "", f"(?!{after})" if after else ""
    return f"{start}{re.escape(word)}{end}"


def _same_kind(letter: str) -> str:
    if letter.isdigit():
        return r"\d"
    return _LETTER if letter.upper() != letter else ""


def _dates(text: str) -> Iterator[str]:
    """A day as people write it, in any order."""
    if digits := re.fullmatch(r"(\d{4})\.?(\d\d)\.?(\d\d)", text.strip()):
        year, month, day = digits.groups()
        for order in ((year, month, day), (day, month, year), (month, day, year)):
            yield rf"(?<!\d){r'[^0-9a-z]{0,2}'.join(order)}(?!\d)"
