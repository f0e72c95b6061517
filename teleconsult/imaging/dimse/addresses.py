"""How the place of another system is written. Where it is, is looked at whenever it is asked (`pacs.places`)."""

import re
from typing import Final

_HOST: Final = re.compile(r"(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*\.?")
_BRACKETED: Final = re.compile(r"\[([0-9A-Fa-f:.]{2,45})\]")


def host_and_port(typed: str) -> str:
    """As it is kept. Raises ValueError for what is none."""
    host, colon, port = typed.rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or not 0 < int(port) < 65536:
        raise ValueError
    bracketed = _BRACKETED.fullmatch(host)
    check_host(bracketed[1] if bracketed else host)
    return f"{host}:{int(port)}"


def check_host(host: str) -> None:
    """Raises ValueError for what is no name and no address."""
    if len(host) > 253 or not (_HOST.fullmatch(host) or ":" in host):
        raise ValueError
