"""A weak viewer limits who sends, or gets the smaller of two sizes; and both end when its line is good again."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiortc.rtp import RTCP_PSFB_APP, RtcpPsfbPacket, pack_remb_fci, unpack_remb_fci

from signaling.media import forwarder as forwarding
from signaling.media import layers
from signaling.media.forwarder import Wanted
from signaling.media.member import SOUND, UNBOUND
from tests.signaling.media.conftest import Enter
from tests.signaling.media.peer import Peer, Track, until
from tests.signaling.media.streams import DELTA_FRAME, KEY_FRAME

HIGH, LOW = Track(1001), Track(1002)
SECOND = 0.05
"""As long as one is here, so that nobody waits."""


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds pass quickly."""
    monkeypatch.setattr(forwarding, "TICK", SECOND / 5)
    monkeypatch.setattr(forwarding, "REPORT_EVERY", 5)


class Sending:
    """Somebody whose picture goes on: a packet of a thousand octets each 2 ms, a key frame each ten."""

    def __init__(self, peer: Peer, *tracks: Track) -> None:
        self.peer, self.tracks = peer, tracks
        self.size = {HIGH: 1000, LOW: 100}
        self._task = asyncio.create_task(self._go())

    async def _go(self) -> None:
        for sequence in range(100_000):
            for track in self.tracks:
                frame = KEY_FRAME if sequence % 10 == 0 else DELTA_FRAME
                await self.peer.send(track, sequence, frame + bytes(self.size[track]), timestamp=sequence * 180)
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        """No more."""
        self._task.cancel()
        await asyncio.wait({self._task})


@pytest.fixture
async def sending(enter: Enter) -> AsyncIterator[Sending]:
    """One picture in one size."""
    going = Sending(await enter(sends=[HIGH]), HIGH)
    yield going
    await going.stop()


@pytest.fixture
async def layered(enter: Enter) -> AsyncIterator[Sending]:
    """One picture in two sizes."""
    going = Sending(await enter(sends=[HIGH, LOW]), HIGH, LOW)
    yield going
    await going.stop()


async def estimate(viewer: Peer, bits: int) -> None:
    """Have a viewer's browser say what its line takes."""
    fci = pack_remb_fci(bits, [viewer.ssrc_of(0)])
    await viewer.report(RtcpPsfbPacket(fmt=RTCP_PSFB_APP, ssrc=1, media_ssrc=0, fci=fci))


def limits(sender: Peer) -> list[int]:
    """What the sender was told, each time; as exact as REMB says it."""
    return [
        unpack_remb_fci(one.fci)[0]
        for one in sender.reports
        if isinstance(one, RtcpPsfbPacket) and one.fmt == RTCP_PSFB_APP
    ]


def last(sender: Peer) -> int:
    """What it was told last."""
    return (limits(sender) or [UNBOUND])[-1]


async def test_nobody_is_limited_without_a_reason(sending: Sending, enter: Enter) -> None:
    await enter(wants=[Wanted(sending.peer.pid, "video")])
    await until(lambda: len(limits(sending.peer)) > 2)
    assert min(limits(sending.peer)) > UNBOUND * 0.9


async def test_the_weakest_viewer_limits_the_sender(sending: Sending, enter: Enter) -> None:
    wants = [Wanted(sending.peer.pid, "video")]
    good, weak, weakest = [await enter(wants=wants) for _ in range(3)]
    await until(lambda: all(viewer.packets for viewer in (good, weak, weakest)))
    await estimate(good, 50_000_000)
    await estimate(weak, 300_000)
    await estimate(weakest, 200_000)
    await until(lambda: last(sending.peer) < 300_000)
    assert 0.9 * 200_000 + SOUND < last(sending.peer) <= 200_000 + SOUND


async def test_the_limit_ends_when_the_line_is_good_again(sending: Sending, enter: Enter) -> None:
    viewer = await enter(wants=[Wanted(sending.peer.pid, "video")])
    await until(lambda: viewer.packets)
    await estimate(viewer, 200_000)
    await until(lambda: last(sending.peer) < 300_000)
    sending.size[HIGH] = 20
    before = len(limits(sending.peer))
    await estimate(viewer, 90_000_000)
    await until(lambda: last(sending.peer) > UNBOUND * 0.9)
    climbing = [one for one in limits(sending.peer)[before:] if one < UNBOUND * 0.9]
    assert climbing == sorted(climbing), "and slowly"
    assert len(climbing) > 2


async def test_the_limit_ends_when_the_weak_viewer_leaves(sending: Sending, enter: Enter) -> None:
    viewer = await enter(wants=[Wanted(sending.peer.pid, "video")])
    await until(lambda: viewer.packets)
    await estimate(viewer, 200_000)
    await until(lambda: last(sending.peer) < 300_000)
    await sending.peer.forwarder.leave(viewer.pid)
    await until(lambda: last(sending.peer) > UNBOUND * 0.9)


async def test_a_weak_viewer_gets_the_smaller_size_and_limits_nobody(
    layered: Sending, enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layers, "PATIENCE", 0.3)
    wants = [Wanted(layered.peer.pid, "video", "face")]
    good, weak = [await enter(wants=wants) for _ in range(2)]
    await until(lambda: good.packets and weak.packets)
    await estimate(weak, 600_000)
    await until(lambda: len(weak.packets[-1].payload) < 200)
    assert len(good.packets[-1].payload) > 200
    assert min(limits(layered.peer)) > UNBOUND * 0.9
    await estimate(weak, 90_000_000)
    await until(lambda: len(weak.packets[-1].payload) > 200)
    assert len({one.ssrc for one in weak.packets}) == 1
    numbers = [one.sequence for one in weak.packets]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers))), "nothing looks lost"


async def test_a_small_tile_gets_the_smaller_size(layered: Sending, enter: Enter) -> None:
    viewer = await enter(wants=[Wanted(layered.peer.pid, "video", "face", is_small=True)])
    await until(lambda: len(viewer.packets) > 20)
    assert max(len(one.payload) for one in viewer.packets) < 200
