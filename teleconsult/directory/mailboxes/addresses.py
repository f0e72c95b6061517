"""Addresses of the directory: in one form, and what is doubtful about one that is no secure mailbox."""

import re
from typing import Final

LONGEST: Final = 254
"""RFC 5321 §4.5.3.1.3, without the brackets."""
_ADDRESS: Final = re.compile(
    r"(?!\.)(?!.*\.\.)[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}(?<!\.)@"
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}"
)
"""RFC 5321 §4.1.2, without quoted parts, in lower case."""
PUBLIC_DOMAINS: Final = frozenset(
    {
        *("gmail.com", "googlemail.com", "yahoo.com", "yahoo.fr", "hotmail.com", "hotmail.fr", "outlook.com"),
        *("outlook.fr", "live.com", "live.fr", "msn.com", "icloud.com", "me.com", "aol.com", "gmx.com", "gmx.fr"),
        *("orange.fr", "wanadoo.fr", "free.fr", "sfr.fr", "neuf.fr", "laposte.net", "bbox.fr", "proton.me"),
        *("protonmail.com", "yandex.com", "mail.ru", "ymail.com", "numericable.fr", "club-internet.fr"),
    }
)
"""Where anybody gets a mailbox."""


def plain_address(written: str) -> str:
    """In lower case without blanks around; empty for what is no address."""
    address = written.strip().lower().removeprefix("mailto:")
    return address if len(address) <= LONGEST and _ADDRESS.fullmatch(address) else ""


def is_public(address: str) -> bool:
    """Whether its domain is one where anybody gets a mailbox: never a place for documents."""
    return address.rpartition("@")[2] in PUBLIC_DOMAINS
