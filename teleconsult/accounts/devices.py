"""Browsers that have signed in to an account before: strangers' wrong tries never count against them.

One cookie for all accounts of a browser, since a ward shares its computer: a random id, then one mark for each
account, made from the id and the account with a key of ours. The server keeps none of it.
"""

import base64
import hashlib
import hmac
import secrets
from typing import Final

from teleconsult.sealing import derived_key
from teleconsult.settings import Settings

ACCOUNTS: Final = 12
"""How many accounts a browser is remembered for; the one that signed in longest ago is forgotten."""
_ID_LETTERS: Final = 22
_MARK_BYTES: Final = 12


def known_browser(settings: Settings, cookie: str, *, whose: bytes) -> bytes | None:
    """What names this browser where it has signed in to that account before, by the cookie it sent; else None.

    `whose` is the account's `limits.account_hash`.
    """
    device, marks = _parts(cookie)
    expected = _mark(settings, device, whose)
    if not any(hmac.compare_digest(expected, mark) for mark in marks):
        return None
    return hashlib.sha256(device.encode()).digest()


def remembering(settings: Settings, cookie: str, *, whose: bytes) -> str:
    """The cookie's next value, after a sign-in to that account."""
    device, marks = _parts(cookie)
    mark = _mark(settings, device, whose)
    return ".".join([device, *[mark, *(other for other in marks if other != mark)][:ACCOUNTS]])


def _parts(cookie: str) -> tuple[str, list[str]]:
    device, *marks = cookie.split(".")[: ACCOUNTS + 1]
    if len(device) != _ID_LETTERS or not cookie.isascii():
        return secrets.token_urlsafe(16), []
    return device, marks


def _mark(settings: Settings, device: str, whose: bytes) -> str:
    mark = hmac.digest(derived_key(settings.secret_key, "known browsers"), device.encode() + whose, "sha256")
    return base64.urlsafe_b64encode(mark[:_MARK_BYTES]).decode()
