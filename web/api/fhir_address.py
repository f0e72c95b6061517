"""Where the FHIR door stands: the address its links lead to, and the one that the systems of our numbers begin with."""

from ipaddress import ip_address
from typing import Final

from aiohttp import web

from teleconsult.settings import LOOPBACK
from web.requests import settings_of

ROOT: Final = "/fhir"


def server_of(request: web.Request) -> str:
    """Our FHIR address, without a slash at its end: what links begin with, so that a client finds its way back.

    The public one where there is one. Else where the connection arrived, as our own socket says. A Host header is what
    its sender likes: it only chooses among the names of this very machine, since clients compare a link with the
    address they were given.
    """
    settings = settings_of(request)
    arrived = request.transport.get_extra_info("sockname") if request.transport else None
    if settings.public_url or not isinstance(arrived, tuple):
        return naming_of(request)
    address = ip_address(str(arrived[0]).partition("%")[0])
    asked_for = request.host.rpartition(":")[0].strip("[]")
    host = asked_for if address.is_loopback and asked_for in LOOPBACK else str(address)
    return f"{request.scheme}://{f'[{host}]' if ':' in host else host}:{arrived[1]}{ROOT}"


def naming_of(request: web.Request) -> str:
    """What the systems of our own numbers begin with: the settings' address, by whichever way the program came."""
    return f"{settings_of(request).base_url}{ROOT}"
