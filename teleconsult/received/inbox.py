"""Our application mailbox, read by IMAP (RFC 9051, RFC 3501) over TLS 1.2 or newer, in a thread.

What was taken is marked with a keyword and stays where it is: other readers of the same mailbox see it as they would
have. Reports about our own mails are left to whom they concern.
"""

import imaplib
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from teleconsult.errors import Unavailable

KEYWORD: Final = "TeleconsultTaken"
"""Set on what was taken; where a server keeps no keywords, \\Flagged is."""
WAIT: Final = 30
"""Seconds for each answer of the server."""
AT_ONCE: Final = 50
"""Mails taken in one visit; the rest comes with the next."""
REPORTS: Final = 'HEADER Content-Type "multipart/report"'
_SIZE: Final = re.compile(rb"RFC822\.SIZE (\d+)")


@dataclass(frozen=True, slots=True)
class Inbox:
    """Where it is: `imaps://` from the first byte under TLS, `imap://` with STARTTLS. Never without."""

    url: str
    authority: Path | None = None
    """PEM that the server's certificate must come from; None for those the machine trusts."""
    check: Callable[[ssl.SSLSocket], None] | None = None
    """Whether the certificate stands; raises OSError where it does not, before anything is said of us."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail; `content` is None where it has more than the limit."""

    uid: str
    size: int
    content: bytes | None


class Visit:
    """A session with the server."""

    def __init__(self, connection: imaplib.IMAP4, mark: str) -> None:
        self._connection, self._mark = connection, mark

    def mails(self, *, largest: int) -> Iterator[Mail]:
        """What nobody took yet, the oldest first."""
        for uid in self._found(f"NOT {REPORTS}"):
            sized = _asked(self._connection.uid("FETCH", uid, "(RFC822.SIZE)"))
            told = _SIZE.search(b" ".join(part for part in sized if isinstance(part, bytes)))
            size = int(told[1]) if told else 0
            yield Mail(uid, size, self._fetch(uid) if 0 < size <= largest else None)

    def reports(self, *, most: int) -> Iterator[Mail]:
        """Reports about our own mails that nobody took yet, the oldest first: the first `most` bytes of each."""
        for uid in self._found(REPORTS):
            content = self._fetch(uid, f"<0.{most}>")
            yield Mail(uid, len(content), content)

    def mark(self, uid: str) -> None:
        """It is taken."""
        _asked(self._connection.uid("STORE", uid, "+FLAGS.SILENT", f"({self._mark})"))

    def _found(self, kind: str) -> list[str]:
        wanted = "UNFLAGGED" if self._mark == "\\Flagged" else f"UNKEYWORD {self._mark}"
        found = _asked(self._connection.uid("SEARCH", wanted, kind))
        return [number.decode() for number in (found[0] or b"").split()][:AT_ONCE]

    def _fetch(self, uid: str, part: str = "") -> bytes:
        found = _asked(self._connection.uid("FETCH", uid, f"(BODY.PEEK[]{part})"))
        return next((bytes(part[1]) for part in found if isinstance(part, tuple)), b"")


@contextmanager
def visited(inbox: Inbox) -> Iterator[Visit]:
    """The mailbox, open inside the block. Raises Unavailable where it cannot be reached or does not let us in."""
    parts = urlsplit(inbox.url)
    context = ssl.create_default_context(cafile=str(inbox.authority) if inbox.authority else None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        connection = _connected(parts.hostname or "", parts.port, parts.scheme == "imaps", context)
        if inbox.check is not None:
            line = connection.socket()
            assert isinstance(line, ssl.SSLSocket), "nothing is said but under TLS"
            inbox.check(line)
    except (OSError, imaplib.IMAP4.error) as error:
        raise Unavailable("The mailbox cannot be reached.") from error
    try:
        connection.login(unquote(parts.username or ""), unquote(parts.password or ""))
        _asked(connection.select("INBOX"))
        keeps = b" ".join(part for part in connection.response("PERMANENTFLAGS")[1] if isinstance(part, bytes))
        yield Visit(connection, KEYWORD if b"\\*" in keeps or KEYWORD.encode() in keeps else "\\Flagged")
    except (OSError, imaplib.IMAP4.error) as error:
        raise Unavailable("The mailbox does not answer as it should.") from error
    finally:
        with suppress(OSError, imaplib.IMAP4.error):
            connection.logout()


def _connected(host: str, port: int | None, is_tls: bool, context: ssl.SSLContext) -> imaplib.IMAP4:
    if is_tls:
        return imaplib.IMAP4_SSL(host, port or 993, ssl_context=context, timeout=WAIT)
    connection = imaplib.IMAP4(host, port or 143, timeout=WAIT)
    connection.starttls(context)
    return connection


def _asked(answer: tuple[str, list[Any]]) -> list[Any]:
    status, found = answer
    if status != "OK":
        raise imaplib.IMAP4.error(status)
    return found
