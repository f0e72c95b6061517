"""A message handed to somebody else's server: what it answers, and nothing of the request in what goes wrong."""

from typing import Final

import httpx

from teleconsult.messages.message import Undelivered

TIMEOUT_SECONDS: Final = 20


async def hand_over(request: httpx.Request) -> int:
    """The status it answers; no redirect is followed. Raises Undelivered where it does not answer."""
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
            return (await client.send(request)).status_code
    except httpx.HTTPError as error:
        raise Undelivered(type(error).__name__) from None


def require_taken(status: int) -> None:
    """Raises Undelivered for any answer but that the message was taken (RFC 9110 §15.3)."""
    if not 200 <= status < 300:
        raise Undelivered(f"answered {status}")
