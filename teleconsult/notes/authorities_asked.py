"""Asking authorities over HTTP: little is sent, little is taken, nobody is waited for long, no redirection followed."""

import ssl
import time
from functools import cache
from typing import Final

import httpx

SECONDS: Final = 8.0
QUICK_SECONDS: Final = 2.0
"""While somebody waits for their signature."""
TIMES_THE_SILENCE: Final = 4
"""A whole answer may take that many times the silence that is borne: nobody is waited for byte by byte."""
ANSWER_LIMIT: Final = 64 * 1024
LIST_LIMIT: Final = 10 * 1024 * 1024
"""Bytes of a revocation list: those of large national authorities have a few million."""


class Unanswered(Exception):
    """Nobody there, not in time, too much, or no."""


def open_client(*, seconds: float = SECONDS) -> httpx.Client:
    """For use within one thread. Proxies are those of the environment."""
    headers = {"User-Agent": "teleconsult"}
    return httpx.Client(verify=_believed(), timeout=seconds, follow_redirects=False, headers=headers)


@cache
def _believed() -> ssl.SSLContext:
    """Whom the machine trusts, read once: it takes longer than to sign."""
    return httpx.create_ssl_context()


def ask(client: httpx.Client, address: str, question: bytes, *, kind: str) -> bytes:
    """The answer to a `question` of the media type `application/{kind}-query` or `-request`. Raises Unanswered."""
    return _fetch(client, "POST", address, content=question, kind=kind, limit=ANSWER_LIMIT)


def fetch_list(client: httpx.Client, address: str) -> bytes:
    """A revocation list. Raises Unanswered."""
    return _fetch(client, "GET", address, content=None, kind=None, limit=LIST_LIMIT)


def _fetch(
    client: httpx.Client, method: str, address: str, *, content: bytes | None, kind: str | None, limit: int
) -> bytes:
    if not address.startswith(("http://", "https://")):
        raise Unanswered(address)
    headers = {"Content-Type": f"application/{kind}"} if kind else {}
    taken, began = bytearray(), time.monotonic()
    longest = TIMES_THE_SILENCE * (client.timeout.read or SECONDS)
    try:
        with client.stream(method, address, content=content, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                raise Unanswered(f"{answer.status_code} from {address}")
            for piece in answer.iter_bytes():
                taken += piece
                if len(taken) > limit:
                    raise Unanswered(f"too much from {address}")
                if time.monotonic() - began > longest:
                    raise Unanswered(f"too slowly from {address}")
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        raise Unanswered(address) from error
    return bytes(taken)
