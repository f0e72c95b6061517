"""Names and numbers as they are compared: without accents, case, hyphens or spaces too many."""

import unicodedata
from typing import Final

_UNDECOMPOSED: Final = str.maketrans({"đ": "d", "ð": "d", "ø": "o", "ł": "l", "æ": "ae", "œ": "oe", "ı": "i"})
"""Letters that Unicode does not decompose into a base letter and marks."""


def plain(text: str) -> str:
    """The text in lower-case letters without accents; what is no letter stays as it is."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_UNDECOMPOSED))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


def fold(name: str) -> str:
    """The name in plain lower-case words: `L’Heureux-Đặng` becomes `l heureux dang`."""
    return " ".join("".join(letter if letter.isalnum() else " " for letter in plain(name)).split())


def fold_number(number: str) -> str:
    """An identifier without what people put between its digits: `TREH 5811 2213` becomes `TREH58112213`."""
    return "".join(letter for letter in number.upper() if letter.isalnum())
