"""Which datagrams reach a connection (RFC 7983 §7): those of its own browser's addresses, as many as it can read.

aioice gives any datagram to DTLS, whoever sent it: one stray ClientHello while a connection is made would end it.
"""

from collections.abc import Callable
from typing import Any, Final

from aioice import ice

MOST_PAIRS: Final = 64
"""Addresses one browser may be reached at, times ours."""
MOST_WAITING: Final = 256
"""Datagrams that wait for DTLS to read them."""
_LARGEST_STUN: Final = 3
SRTP: Final = range(128, 192)
"""First bytes."""


class GuardedStun(ice.StunProtocol):
    """Hands on what comes from an address that takes part in this connection, and nothing else.

    An address takes part once it has proved by STUN that it knows the password of this connection.
    """

    _known: frozenset[tuple[str, int]] = frozenset()

    def datagram_received(self, data: bytes | str, addr: tuple[Any, ...]) -> None:
        """One datagram, told by its first byte."""
        if not data or not isinstance(data, bytes):
            return
        sender = addr[0], addr[1]
        if data[0] <= _LARGEST_STUN:
            if len(self.receiver._check_list) < MOST_PAIRS or self._takes_part(sender):
                super().datagram_received(data, addr)
            return
        if not self._takes_part(sender):
            return
        tap: Callable[[bytes], None] | None = getattr(self.receiver, "tap", None)
        if tap is not None and data[0] in SRTP:
            tap(data)
        elif self.receiver._queue.qsize() < MOST_WAITING:
            self.receiver.data_received(data, self.local_candidate.component)

    def _takes_part(self, sender: tuple[str, int]) -> bool:
        if sender not in self._known:
            self._known = frozenset(pair.remote_addr for pair in self.receiver._check_list)
        return sender in self._known
