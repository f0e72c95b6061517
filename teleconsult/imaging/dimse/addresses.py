"""How the place of another system is written. Where it is, is looked at whenever it is asked (`pacs.places`)."""

import re
from ipaddress import IPv4Address, IPv6Address
from typing import Final

_NAME: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*\.?")
_BRACKETED: Final = re.compile(r"\[(.*:.*)\]")


def host_and_port(typed: str) -> str:
    """As it is kept; an IPv6 address has brackets (RFC 3986 §3.2.2). Raises ValueError for what is none."""
    host, colon, port = typed.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError
    bracketed = _BRACKETED.fullmatch(host)
    if ":" in host and not bracketed:
        raise ValueError
    check_host(bracketed[1] if bracketed else host)
    return f"{host}:{int(port)}"


def check_host(host: str) -> None:
    """Raises ValueError for what is no name and no address; one of IPv6 stands without brackets here."""
    if ":" in host:
        if IPv6Address(host).scope_id is not None:
            raise ValueError
    elif len(host) > 253 or not _NAME.fullmatch(host):
        raise ValueError
    elif host.removesuffix(".").rpartition(".")[2].isdigit():
        IPv4Address(host)  # no name ends with a number
