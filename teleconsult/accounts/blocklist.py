"""Passwords that would be tried first: common ones, patterns, and what is known of their owner.

NIST SP 800-63B-4 §3.1.1.2 asks for a list of those and forbids rules of composition: a sentence of ordinary words is a
good password. The lists, and how a word is disguised by figures and repetition, are zxcvbn's.
"""

import re
from collections.abc import Iterable
from typing import Final

from zxcvbn import zxcvbn

FEWEST_TRIES: Final = 10
"""A password found within so many tries (a power of ten) is an expected one."""
LOOKED_AT: Final = 32
"""Characters: what stands behind makes it no easier, and reading more takes long."""
OURS: Final = (
    *("teleconsult", "téléconsult", "teleconsultation", "téléconsultation", "telemedecine", "télémédecine"),
    *("motdepasse", "azerty", "azertyuiop", "qsdfghjklm", "bonjour", "soleil", "hopital", "hôpital", "medecin"),
    *("médecin", "docteur", "sante", "santé", "clinique", "matkhau", "xinchao", "benhvien", "bacsi", "password"),
)
"""This product's own words, and the commonest of the languages that zxcvbn does not know."""


def is_expected(password: str, *, words: Iterable[str] = ()) -> bool:
    """Whether the password would be tried first. Takes up to 0.3 s of CPU: call it outside the event loop.

    `words` belong to its owner: names, the e-mail address, the establishment.
    """
    known = {part for text in (*words, *OURS) for part in (text, *re.split(r"\W+", text)) if len(part) > 2}
    estimate = zxcvbn(password[:LOOKED_AT], user_inputs=sorted(known))
    return bool(estimate["guesses_log10"] < FEWEST_TRIES)
