"""DICOM UIDs are a stranger's words until they are looked at (PS3.5 §9.1)."""

import re
import uuid
from typing import Final

IMPLEMENTATION: Final = "2.25.66869417832934741504254792108940937965"
"""Who wrote a file: ours (PS3.7 §D.3.3.2)."""
_DERIVED: Final = "2.25."
_UID: Final = re.compile(r"(?=.{1,64}\Z)[0-9]+(?:\.[0-9]+)*")
_OURS: Final = uuid.UUID("8d1f5f4e-5d0c-4a3b-9a57-0f9d1f6d3c21")
"""Under which UIDs are derived. It never changes: the same object has to get the same ones again."""


def is_uid(text: str) -> bool:
    """Whether it is numbers between dots, 64 characters at most. They may begin with 0: much in use does."""
    return _UID.fullmatch(text) is not None


def is_derived(uid: str, level: str, sop_instance_uid: str) -> bool:
    """Whether it is the one that `derived_uid` gives. Most are by the look of them not."""
    return uid.startswith(_DERIVED) and uid == derived_uid(level, sop_instance_uid)


def derived_uid(level: str, sop_instance_uid: str) -> str:
    """A UID of the study or series of an object that names none, always the same one (PS3.5 §B.2)."""
    return f"{_DERIVED}{uuid.uuid5(_OURS, f'{level} {sop_instance_uid}').int}"
