"""DICOM UIDs are a stranger's words until they are looked at (PS3.5 §9.1)."""

import re
from typing import Final

_UID: Final = re.compile(r"[0-9.]{1,64}")


def is_uid(text: str) -> bool:
    """Whether it is written as a UID is. What its numbers mean is not asked: much in use breaks the finer rules."""
    return _UID.fullmatch(text) is not None
