"""Where our passkeys are good: WebAuthn's Relying Party (W3C WebAuthn Level 3 §5.1.2, §13.4.9)."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from teleconsult.errors import Refused
from teleconsult.settings import Settings

NAME: Final = "Téléconsult"
_LOOPBACK_NAME: Final = "localhost"


@dataclass(frozen=True, slots=True)
class RelyingParty:
    """The domain a passkey is bound to, and the exact origins its answers may come from."""

    id: str
    origins: tuple[str, ...]


def relying_party(settings: Settings) -> RelyingParty | None:
    """That of this installation. None where it is reached by a number alone: a passkey is bound to a name.

    On the machine's own address it is `localhost`, at the same port.
    """
    host = urlsplit(settings.base_url).hostname or ""
    name = _LOOPBACK_NAME if _is_address(host) else host
    origins = sorted(origin for origin in settings.allowed_origins if urlsplit(origin).hostname == name)
    return RelyingParty(name, tuple(origins)) if origins else None


def require_party(settings: Settings) -> RelyingParty:
    """The same. Raises Refused where there is none."""
    party = relying_party(settings)
    if party is None:
        raise Refused("This site can have no passkeys: it is reached by a number, not by a name.")
    return party


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
