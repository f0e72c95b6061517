"""STUN and TURN servers of a call, with credentials that end by themselves.

TURN's long-term credentials (RFC 8489 §9.2) are made per participant from a secret shared with the TURN
server (coturn's `use-auth-secret`): the user name is the end of validity and the participant's id, the
password its HMAC-SHA1. With no server configured the list is empty and calls stay in the local network:
nobody else's server is ever asked.
"""

import base64
import hashlib
import hmac
import uuid
from datetime import datetime, timedelta
from typing import Final

from signaling.protocol import IceServer
from teleconsult.settings import Settings

LIFETIME: Final = timedelta(minutes=10)
"""To connect by: what runs keeps its allocation. A page in a call asks for new ones before these end."""


def ice_servers(settings: Settings, *, participant: uuid.UUID, at: datetime) -> tuple[IceServer, ...]:
    """The servers a participant may use for the next ten minutes.

    `turn_url` holds one or several TURN addresses (RFC 7065), separated by commas. One that names no transport is
    offered by UDP and by TCP, one with `turns:` by TLS.
    """
    if not settings.turn_url or not settings.turn_secret:
        return ()
    turn = tuple(relay for url in settings.turn_url.split(",") if url.strip() for relay in _relays(url.strip()))
    stun = tuple(dict.fromkeys(_stun(url) for url in turn if url.startswith("turn:")))
    username = f"{int((at + LIFETIME).timestamp())}:{participant}"
    digest = hmac.new(settings.turn_secret.encode(), username.encode(), hashlib.sha1).digest()
    relay = IceServer(turn, username, base64.b64encode(digest).decode())
    return (IceServer(stun), relay) if stun else (relay,)


def _relays(turn_url: str) -> tuple[str, ...]:
    if "?" in turn_url:
        return (turn_url,)
    transports = ("tcp",) if turn_url.startswith("turns:") else ("udp", "tcp")
    return tuple(f"{turn_url}?transport={transport}" for transport in transports)


def _stun(turn_url: str) -> str:
    """The same host and port as a STUN address (RFC 7064), which takes no query."""
    return "stun:" + turn_url.removeprefix("turn:").split("?", 1)[0]
