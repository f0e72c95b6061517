"""Who stands at the door: recognised by title, address and certificate, or sent away and remembered in the audit."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.client_certificates import fingerprint_at
from teleconsult.db import Sessions, transaction
from teleconsult.imaging.dimse.committing import Desk
from teleconsult.imaging.dimse.models import DicomPeer
from teleconsult.imaging.dimse.negotiating import Proposal, Rejection
from teleconsult.imaging.pacs.awaiting import Awaited, awaited_from, is_asked
from teleconsult.imaging.receiving import Arrival, Received, Receiver

MOST_OF_PEER: Final = 8
"""Associations of one system at a time."""
LOOK_AGAIN: Final = 10.0
"""Seconds after which an open association is asked for again: who was turned off goes."""
TELL_AGAIN: Final = 60.0
"""Seconds in which the refusals of one address are one line of the audit: it must not be filled from outside."""
_MOST_REMEMBERED: Final = 1000


class Hall:
    """What all associations share: the register, the way in for images, and how many of whom are here."""

    def __init__(
        self, sessions: Sessions, receiver: Receiver, desk: Desk, *, ae_title: str, data: Path, file_limit: int
    ) -> None:
        """`file_limit` in bytes of one data set; `data` is where temporary files go."""
        self.sessions, self.data, self.file_limit = sessions, data, file_limit
        self.receiver, self.desk = receiver, desk
        self.seated: Counter[uuid.UUID] = Counter()
        self._ae_title = ae_title
        self._told: dict[str, float] = {}

    async def recognised(self, proposal: Proposal, writer: asyncio.StreamWriter) -> "Visitor | Rejection":
        """Who it is, or why they may not come in. Raises as the database does."""
        address = str(writer.get_extra_info("peername")[0])
        rejection = Rejection.NOT_US
        if proposal.called == self._ae_title:
            async with transaction(self.sessions, SYSTEM) as session:
                peer = await peer_at_door(
                    session, ae_title=proposal.calling, address=address, certificate=fingerprint_at(writer)
                )
            if peer is not None:
                return Visitor(self, peer, address) if self.seated[peer.id] < MOST_OF_PEER else Rejection.TOO_MANY
            rejection = Rejection.UNKNOWN_CALLER
        await self._tell(proposal, rejection, address)
        return rejection

    async def _tell(self, proposal: Proposal, rejection: Rejection, address: str) -> None:
        moment = time.monotonic()
        if moment - self._told.get(address, -TELL_AGAIN) < TELL_AGAIN:
            return
        if len(self._told) >= _MOST_REMEMBERED:
            self._told.clear()
        self._told[address] = moment
        async with transaction(self.sessions, SYSTEM) as session:
            audit.record(
                session,
                replace(SYSTEM, address=address),
                "dicom-association-refused",
                outcome="denied",
                reason=rejection.name.lower().replace("_", "-"),
                ae_title=proposal.calling,
            )


@dataclass(slots=True)
class Visitor:
    """A system that was recognised, for as long as its association lasts."""

    hall: Hall
    peer: DicomPeer
    address: str
    looked_at: float = 0.0
    is_asked: bool = False
    """Whether it is also an archive that we ask for images: then what it sends may be somebody's answer."""

    @property
    def actor(self) -> Actor:
        """The system, for the sender's establishment, under the sender's name."""
        return replace(SYSTEM, organization_id=self.peer.organization_id, name=self.peer.name, address=self.address)

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[None]:
        """Be counted while the block runs."""
        async with transaction(self.hall.sessions, SYSTEM) as session:
            self.is_asked = await is_asked(session, self.peer.id)
        self.hall.seated[self.peer.id] += 1
        self.looked_at = time.monotonic()
        try:
            yield
        finally:
            self.hall.seated[self.peer.id] -= 1

    async def file(self, file: Received) -> Arrival:
        """Have it filed. Raises as `Receiver.receive_arrived`."""
        awaited: dict[str, Awaited] = {}
        if self.is_asked:
            async with transaction(self.hall.sessions, SYSTEM) as session:
                awaited = await awaited_from(session, self.peer.id)
        (arrival,) = await self.hall.receiver.receive_arrived(self.actor, files=[file], awaited=awaited)
        return arrival

    async def may_go_on(self) -> bool:
        """Whether the system is still let in, as it was recognised: asked now and then."""
        if time.monotonic() - self.looked_at < LOOK_AGAIN:
            return True
        self.looked_at = time.monotonic()
        async with transaction(self.hall.sessions, SYSTEM) as session:
            known = await session.get(DicomPeer, self.peer.id)
            return known is not None and known.disabled_at is None and _is_known_by(known) == _is_known_by(self.peer)


async def peer_at_door(
    session: AsyncSession, *, ae_title: str, address: str, certificate: bytes | None
) -> DicomPeer | None:
    """The one system with that title that may come from there; one that is known by its certificate goes first.

    None where there is none, or where two establishments' both could be meant: no image goes to the wrong one.
    """
    found = await session.scalars(
        select(DicomPeer).where(
            DicomPeer.ae_title == ae_title,
            DicomPeer.disabled_at.is_(None),
            or_(DicomPeer.certificate_sha256.is_(None), DicomPeer.certificate_sha256 == certificate),
        )
    )
    place = ip_address(address)
    place = getattr(place, "ipv4_mapped", None) or place  # how IPv4 looks to a door that is open to IPv6
    here = [peer for peer in found if peer.network is None or place in ip_network(peer.network)]
    proven = [peer for peer in here if peer.certificate_sha256 is not None] or here
    return proven[0] if len(proven) == 1 else None


def _is_known_by(peer: DicomPeer) -> tuple[str, str | None, bytes | None]:
    return peer.ae_title, peer.network, peer.certificate_sha256
