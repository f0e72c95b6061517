"""The other end of a check: answers, gives sound back, and lets go of who stays or asks too often."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from signaling.media.forwarder import Wanted
from signaling.media.probe import MOST_EACH, BadOffer, Full, Probes
from tests.signaling.media.peer import Peer, Track, until

SOUND, PICTURE = Track(11, "audio", "mine"), Track(12, "video", "mine")


@dataclass
class Door:
    """What a browser's end offers to: a probe, whoever it is of."""

    probes: Probes
    whose: str = "somebody"

    async def offer(self, _pid: uuid.UUID, sdp: str, _wants: object) -> str:
        return await self.probes.answer(sdp, whose=self.whose)


@pytest.fixture
async def probes() -> AsyncIterator[Probes]:
    """For three at a time."""
    made = Probes(most=3)
    yield made
    await made.close()
    assert len(made) == 0


def browser(probes: Probes, whose: str = "somebody") -> Peer:
    """One that sends sound and picture, and wants sound back."""
    door: Any = Door(probes, whose)
    return Peer(door, sends=(SOUND, PICTURE), wants=(Wanted(uuid.uuid4(), "audio"),))


async def test_sound_comes_back_and_the_picture_does_not(probes: Probes) -> None:
    peer = browser(probes)
    await peer.offer()
    await peer.open()
    for sequence in range(20):
        await peer.send(SOUND, sequence, b"sound", number=2 * sequence)
        await peer.send(PICTURE, sequence, number=2 * sequence + 1)
        await asyncio.sleep(0.01)
    await until(lambda: any(packet.payload == b"sound" for packet in peer.packets))
    assert {packet.payload for packet in peer.packets} == {b"sound"}
    await until(lambda: bool(peer.reports))  # when they arrived, for the browser to reckon by
    await peer.close()
    await until(lambda: len(probes) == 0)


async def test_it_ends_by_itself() -> None:
    probes = Probes(life=0.2)
    peer = browser(probes)
    await peer.offer()
    assert len(probes) == 1
    await until(lambda: len(probes) == 0)
    await probes.close()


async def test_one_too_many_is_told_so(probes: Probes) -> None:
    for whose in ("one", "two", "three"):
        await browser(probes, whose).offer()
    with pytest.raises(Full):
        await browser(probes, "four").offer()
    assert len(probes) == 3


async def test_who_asks_again_and_again_gives_up_their_oldest() -> None:
    probes = Probes(most=MOST_EACH + 1)
    for _ in range(MOST_EACH + 2):
        await browser(probes).offer()
    assert len(probes) == MOST_EACH
    await browser(probes, "another").offer()
    await probes.close()


@pytest.mark.parametrize("offer", ["", "v=0", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 200, "\ud800"])
async def test_what_is_no_offer_takes_no_place(probes: Probes, offer: str) -> None:
    with pytest.raises(BadOffer):
        await probes.answer(offer, whose="somebody")
    assert len(probes) == 0
