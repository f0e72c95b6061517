"""Modalities as a doctor reads them (PS3.3 C.7.3.1.1.1)."""

from collections.abc import Iterable
from typing import Final

UNSAID: Final = {"DOC", "KO", "PR", "SR", "XC"}
"""Of photographs, videos and documents, which everybody sees to be that, and of what is said about other images."""


def modality_names(modalities: Iterable[str]) -> str:
    """The codes that doctors use, as one text."""
    return ", ".join(code for code in modalities if code not in UNSAID)
