"""Passwords that would be tried first: common ones, patterns, and what is known of their owner.

NIST SP 800-63B-4 §3.1.1.2 asks for a list of those and forbids rules of composition: a sentence of ordinary words is a
good password. The lists, and how a word is disguised by figures and repetition, are zxcvbn's.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from zxcvbn import zxcvbn

FEWEST_TRIES: Final = 10
"""A power of ten: a password that is found within so many tries is an expected one."""
LOOKED_AT: Final = 32
"""Characters: what stands behind makes it no easier, and reading more takes long."""
OURS: Final = (
    *("téléconsult", "téléconsultation", "télémédecine", "telemedicine", "motdepasse", "azerty", "azertyuiop"),
    *("qsdfghjklm", "bonjour", "soleil", "hôpital", "médecin", "docteur", "santé", "clinique"),
    *("matkhau", "xinchao", "benhvien", "bacsi"),
)
"""This product's own words, and the commonest of the languages that zxcvbn does not know."""


def is_expected(password: str, *, words: Iterable[str] = (), fewest_tries: int = FEWEST_TRIES) -> bool:
    """Whether the password would be tried first: found within 10 to the power of `fewest_tries` tries.

    `words` belong to its owner: names, the e-mail address, the establishment. Takes up to 0.6 s of CPU: call it outside
    the event loop.
    """
    known = {part for text in (*words, *OURS) for part in (text, *re.split(r"\W+", text)) if len(part) > 2}
    known |= {_without_accents(part) for part in known}
    squeezed = re.sub(r"[\W_]+", "", password) or password  # blanks and strokes between words hide little
    forms = {password[:LOOKED_AT], squeezed[:LOOKED_AT]}
    return any(zxcvbn(form, user_inputs=sorted(known))["guesses_log10"] < fewest_tries for form in forms)


def _without_accents(text: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFD", text) if not unicodedata.combining(letter))
