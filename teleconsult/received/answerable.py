"""Whether the sender of a mail may be told what became of it, and why not. Pure: read in the sandbox, too."""

import re
from email.utils import getaddresses
from enum import StrEnum
from typing import Final

LONGEST_ADDRESS: Final = 254
_NUMBER: Final = re.compile(r"<[!-;=?-~]{3,250}>")
"""A Message-ID that can be said again in a header (RFC 5322 §3.6.4)."""
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,189}")


class Unanswered(StrEnum):
    """Why no answer was sent, or went through."""

    UNSAFE = "unsafe"
    """The address for it is another than the sender's, or several, or outside the mail space (RFC 8098 §2.1)."""
    NAMELESS = "nameless"
    """The mail has no number that an answer could name."""
    NO_WAY_OUT = "no-way-out"
    """This installation sends no secure mail."""
    IN_HAND = "in-hand"
    """It is being sent; should the worker die over it, it may have arrived, and is not sent again."""
    UNKNOWN = "unknown"
    """It was sent, and no answer came: not again."""
    TROUBLE = "trouble"
    """It could not be handed over: it is tried again."""
    REFUSED = "refused"
    """For good."""


def safe_address(asked: str, *, return_path: str, sender: str) -> str:
    """Where an answer may go by itself: the one address that was given, where it is the sender's own (RFC 8098 §2.1).

    Empty where it may not.
    """
    addresses = {address.strip().lower() for _name, address in getaddresses([asked])} - {""}
    back = return_path.strip().strip("<>").strip().lower()
    if len(addresses) != 1 or not addresses <= {back} or not addresses <= {sender.lower()}:
        return ""
    (address,) = addresses
    return address if len(address) <= LONGEST_ADDRESS and _ADDRESS.fullmatch(address) else ""


def can_be_named(number: str) -> bool:
    """Whether a Message-ID can stand in an answer."""
    return _NUMBER.fullmatch(number) is not None
