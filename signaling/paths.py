"""Which way sound and pictures of a call take: the rule, and nothing else.

From person to person is the shortest way, and nobody in between can look in; but each sends to each. Through the server
each sends once.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from signaling.protocol_through import Way

MOST_DIRECT: Final = 3
MOST_IN_NEED: Final = 5
"""So many still go from person to person where the server cannot be reached."""
NARROW: Final = 400_000
"""bit/s: an uplink that carries less and has two to send to carries one picture better than two."""
WIDE: Final = 800_000
"""bit/s: from this on it carries two again."""


@dataclass(frozen=True, slots=True)
class Uplink:
    """What somebody's browser last said of it."""

    rate: float
    """bit/s"""
    is_full: bool
    """Whether less is sent than there is, because of it."""


@dataclass(frozen=True, slots=True)
class Need:
    """What decides."""

    present: int
    uplinks: Collection[Uplink] = ()
    """Those that are known."""
    is_asked_for: bool = False
    """Whether something needs the media at the server."""
    server_fails: bool = False
    direct_fails: bool = False
    """Whether somebody could not get through that way."""


def chosen(need: Need, now: Way) -> Way:
    """The way to take, where it is `now`."""
    if need.server_fails:
        return "direct" if need.present <= MOST_IN_NEED else "server"
    if need.is_asked_for or need.present > MOST_DIRECT or need.direct_fails:
        return "server"
    if need.present < MOST_DIRECT:
        return "direct"
    if any(uplink.is_full and uplink.rate < NARROW for uplink in need.uplinks):
        return "server"
    if now == "server" and any(uplink.rate < WIDE for uplink in need.uplinks):
        return "server"
    return "direct"
