"""Where an archive may stand: who administers one establishment must not make our machine speak to others of ours."""

import asyncio
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

from teleconsult.imaging.pacs.faults import Fault, PacsFault
from teleconsult.settings import networks_in

LOOK_UP_SECONDS = 5.0


async def address_of(host: str, port: int, *, networks: str) -> str:
    """The address to connect to: looked up once, and what is connected to is what was checked.

    `networks` are those of the settings; without any, all but this machine, link-local (where clouds keep their
    secrets) and multicast. Raises PacsFault.
    """
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError as error:
        raise PacsFault(Fault.SILENT) from error
    except (OSError, UnicodeError) as error:
        raise PacsFault(Fault.UNREACHABLE) from error
    addresses = [ip_address(str(one[4][0]).partition("%")[0]) for one in found]
    allowed = [address for address in addresses if _is_allowed(address, networks)]
    if not allowed:
        raise PacsFault(Fault.FORBIDDEN_PLACE)
    return str(allowed[0])


def _is_allowed(address: IPv4Address | IPv6Address, networks: str) -> bool:
    inner = getattr(address, "ipv4_mapped", None) or address
    if networks:
        return any(inner in network for network in networks_in(networks))
    return not (
        inner.is_loopback or inner.is_link_local or inner.is_multicast or inner.is_unspecified or inner.is_reserved
    )
