"""By which addresses and ports browsers reach the media of this server (RFC 8445 §5.1.1).

aioice takes any port of the machine: a firewall needs to know which.
"""

import asyncio
import dataclasses
import functools
import ipaddress
import secrets
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self

import structlog
from aioice import Candidate, Connection
from aioice.candidate import candidate_foundation, candidate_priority
from aioice.turn import UDP_SOCKET_BUFFER_SIZE
from aiortc.rtcicetransport import RTCIceCandidate

from signaling.media.guard import GuardedStun
from teleconsult.settings import Settings

ANY: Final = range(1)
"""Port 0: whichever is free."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reach:
    """A server's."""

    host: str = ""
    """An address that a router or a host of containers hands on to ours; empty: ours alone."""
    ports: range = ANY

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """As `TELECONSULT_MEDIA_HOST` and `TELECONSULT_MEDIA_PORTS` say."""
        return cls(settings.media_host, settings.media_port_range or ANY)

    def confine(self, connection: Connection) -> None:
        """Have it listen on these ports alone."""
        if self.ports != ANY:
            own = functools.partial(self._listen, connection)
            connection.get_component_candidates = own  # type: ignore[method-assign]

    def told(self, own: Sequence[RTCIceCandidate]) -> list[RTCIceCandidate]:
        """What a browser is told of where we listen."""
        if not self.host:
            return list(own)
        version = ipaddress.ip_address(self.host).version
        handed_on = [
            dataclasses.replace(one, ip=self.host, foundation=f"{one.foundation}h")
            for one in own
            if ipaddress.ip_address(one.ip).version == version
        ]
        return [*handed_on[:1], *own]

    async def _listen(self, connection: Connection, component: int, addresses: Iterable[str]) -> list[Candidate]:
        """In place of aioice's, with our ports; servers are not asked, for there are none."""
        candidates = []
        for address in addresses:
            protocol = await self._bound(connection, address)
            if protocol is None:
                log.warning("no free port for media", address=address, ports=f"{self.ports[0]}-{self.ports[-1]}")
                continue
            host, port = protocol.transport.get_extra_info("sockname")[:2]
            protocol.local_candidate = Candidate(
                foundation=candidate_foundation("host", "udp", host),
                component=component,
                transport="udp",
                priority=candidate_priority(component, "host"),
                host=host,
                port=port,
                type="host",
            )
            connection._protocols.append(protocol)
            candidates.append(protocol.local_candidate)
        return candidates

    async def _bound(self, connection: Connection, address: str) -> GuardedStun | None:
        loop = asyncio.get_running_loop()
        begin = secrets.randbelow(len(self.ports))
        for port in (*self.ports[begin:], *self.ports[:begin]):
            try:
                transport, protocol = await loop.create_datagram_endpoint(
                    lambda: GuardedStun(connection), local_addr=(address, port)
                )
            except OSError:  # taken
                continue
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, UDP_SOCKET_BUFFER_SIZE)
            return protocol
        return None
