"""A room of three, packet by packet."""

import asyncio
import uuid

import pytest
from aiortc.rtp import (
    RTCP_PSFB_PLI,
    RTCP_RTPFB_NACK,
    RtcpPsfbPacket,
    RtcpRtpfbPacket,
    RtcpSenderInfo,
    RtcpSrPacket,
)

from signaling.media import reports
from signaling.media.forwarder import MOST_MEMBERS, BadOffer, Forwarder, LineState, Source, Wanted
from signaling.media.packets import Packet
from tests.signaling.media.conftest import Enter
from tests.signaling.media.peer import Peer, Track, until
from tests.signaling.media.streams import DELTA_FRAME, KEY_FRAME

FACE, VOICE = Track(1001), Track(1002, "audio")
Told = list[tuple[uuid.UUID, LineState]]


def asked_for_key_frames(peer: Peer) -> list[int]:
    """Of which of its tracks."""
    return [one.media_ssrc for one in peer.reports if isinstance(one, RtcpPsfbPacket) and one.fmt == RTCP_PSFB_PLI]


async def test_what_one_sends_all_others_get(enter: Enter, told: Told) -> None:
    sender = await enter(sends=[FACE, VOICE])
    wants = [Wanted(sender.pid, "video"), Wanted(sender.pid, "audio")]
    viewers = [await enter(wants=wants) for _ in range(2)]
    await sender.send(FACE, 7, KEY_FRAME, timestamp=90)
    await sender.send(VOICE, 9, b"opus", timestamp=48)
    for viewer in viewers:
        await until(lambda viewer=viewer: len(viewer.packets) == 2)
        assert [(one.ssrc, one.payload, one.timestamp) for one in viewer.packets] == [
            (viewer.ssrc_of(0), KEY_FRAME, 90),
            (viewer.ssrc_of(1), b"opus", 48),
        ]
    assert not sender.packets
    assert told == [(one.pid, LineState.CONNECTED) for one in (sender, *viewers)]


async def test_who_comes_late_gets_a_key_frame_soon(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    await sender.send(FACE, 7, KEY_FRAME)
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    await until(lambda: asked_for_key_frames(sender) == [FACE.ssrc])
    await sender.send(FACE, 8, DELTA_FRAME)
    await sender.send(FACE, 9, KEY_FRAME)
    await until(lambda: viewer.packets)
    assert viewer.packets[0].payload == KEY_FRAME


async def test_a_viewer_who_lost_the_picture_has_it_begun_anew(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    await until(lambda: asked_for_key_frames(sender))
    await asyncio.sleep(0.3)
    sender.reports.clear()
    for _ in range(3):
        await viewer.report(RtcpPsfbPacket(fmt=RTCP_PSFB_PLI, ssrc=1, media_ssrc=viewer.ssrc_of(0)))
    await until(lambda: asked_for_key_frames(sender))
    assert asked_for_key_frames(sender) == [FACE.ssrc], "once for all three"


async def test_what_was_lost_on_the_way_up_is_asked_for_and_handed_on(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    await sender.send(FACE, 7, KEY_FRAME)
    await sender.send(FACE, 9, DELTA_FRAME)

    def asked() -> list[int]:
        return [
            lost for one in sender.reports if isinstance(one, RtcpRtpfbPacket) and one.fmt == 1 for lost in one.lost
        ]

    await until(asked)
    assert asked() == [8]
    await sender.send(FACE, 8, DELTA_FRAME)
    await until(lambda: len(viewer.packets) == 3)
    assert [one.sequence for one in viewer.packets] == [7, 9, 8]


async def test_what_was_lost_on_the_way_down_is_sent_again(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    await sender.send(FACE, 7, KEY_FRAME)
    await until(lambda: viewer.packets)
    viewer.loses = 1
    await sender.send(FACE, 8, DELTA_FRAME)
    await sender.send(FACE, 9, DELTA_FRAME)
    await until(lambda: len(viewer.packets) == 2)
    nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=viewer.ssrc_of(0), lost=[8])
    await viewer.report(nack)
    await until(lambda: len(viewer.packets) == 3)
    assert [one.sequence for one in viewer.packets] == [7, 9, 8]


async def test_nobody_has_very_many_packets_sent_again(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reports, "MOST_AGAIN", 5)
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    await sender.send(FACE, 7, KEY_FRAME)
    await until(lambda: viewer.packets)
    sent: list[bytes] = []
    line = viewer.forwarder._members[viewer.pid].line
    monkeypatch.setattr(line, "send_rtp", sent.append)
    nack = RtcpRtpfbPacket(fmt=RTCP_RTPFB_NACK, ssrc=1, media_ssrc=viewer.ssrc_of(0), lost=[7])
    for _ in range(20):
        await viewer.report(nack)
    await until(lambda: sent)
    await asyncio.sleep(0.05)
    assert len(sent) <= 5


async def test_the_senders_clock_reaches_the_viewer(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    await sender.send(FACE, 7, KEY_FRAME, timestamp=90)
    await until(lambda: viewer.packets)
    info = RtcpSenderInfo(ntp_timestamp=5 << 32, rtp_timestamp=900, packet_count=1, octet_count=1)
    await sender.report(RtcpSrPacket(ssrc=FACE.ssrc, sender_info=info))
    await until(lambda: any(isinstance(one, RtcpSrPacket) for one in viewer.reports))
    report = next(one for one in viewer.reports if isinstance(one, RtcpSrPacket))
    assert report.ssrc == viewer.ssrc_of(0)
    assert (report.sender_info.ntp_timestamp, report.sender_info.rtp_timestamp) == (5 << 32, 900)


async def test_arrivals_are_told_to_who_counts(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    for number in range(3):
        await sender.send(FACE, 7 + number, KEY_FRAME, number=number)
    await until(lambda: any(isinstance(one, RtcpRtpfbPacket) and one.fmt == 15 for one in sender.reports))


async def test_a_viewer_waits_for_who_is_not_there_yet(enter: Enter) -> None:
    pid = uuid.uuid4()
    viewer = await enter(wants=[Wanted(pid, "video", "face")])
    sender = await enter(pid=pid, sends=[FACE])
    await sender.send(FACE, 7, KEY_FRAME)
    await until(lambda: viewer.packets)


async def test_more_is_sent_and_wanted_over_the_same_line(enter: Enter) -> None:
    sender = await enter(sends=[VOICE])
    viewer = await enter(wants=[Wanted(sender.pid, "audio")])
    wound = Track(1003, stream="wound")
    sender.sends = [VOICE, FACE, wound]
    await sender.offer()
    viewer.wants = [*viewer.wants, Wanted(sender.pid, "video", "wound"), Wanted(sender.pid, "video", "face")]
    await viewer.offer()
    await sender.send(FACE, 1, KEY_FRAME + b"face")
    await sender.send(wound, 1, KEY_FRAME + b"wound")
    await until(lambda: len(viewer.packets) == 2)
    assert {one.ssrc: one.payload[-4:] for one in viewer.packets} == {
        viewer.ssrc_of(1): b"ound",
        viewer.ssrc_of(2): b"face",
    }
    assert [media.msid.split()[0] for media in viewer.answer.media[1:] if media.msid] == ["wound", "face"]


async def test_who_leaves_is_not_heard_any_more(enter: Enter, forwarder: Forwarder, told: Told) -> None:
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    await forwarder.leave(sender.pid)
    await forwarder.leave(sender.pid)
    assert not forwarder.is_open(sender.pid)
    assert forwarder.is_open(viewer.pid)
    assert (sender.pid, LineState.CLOSED) not in told, "it was told to go"


async def test_a_line_that_closes_is_told(enter: Enter, forwarder: Forwarder, told: Told) -> None:
    peer = await enter(sends=[FACE])
    await peer.close()
    await until(lambda: (peer.pid, LineState.CLOSED) in told)
    assert not forwarder.is_open(peer.pid)


async def test_a_browser_that_finds_no_way_is_told(
    forwarder: Forwarder, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("signaling.media.line.OPEN_WITHIN", 0.1)
    peer = Peer(forwarder, sends=[FACE])
    await peer.offer()
    await until(lambda: told)
    assert told == [(peer.pid, LineState.FAILED)]
    await peer.close()


async def test_who_comes_back_over_another_connection_takes_the_place_of_the_one_before(
    enter: Enter, told: Told, forwarder: Forwarder
) -> None:
    first = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(first.pid, "video", "face")])
    await first.send(FACE, 7, KEY_FRAME)
    await until(lambda: len(viewer.packets) == 1)
    second = Peer(forwarder, first.pid, [Track(2001)])
    await second.offer()
    await first.send(FACE, 8, DELTA_FRAME)
    await until(lambda: len(viewer.packets) == 2)
    await second.open()
    await until(lambda: asked_for_key_frames(second))
    await second.send(Track(2001), 70, KEY_FRAME)
    await until(lambda: len(viewer.packets) == 3)
    assert [one.sequence for one in viewer.packets] == [7, 8, 9]
    assert len({one.ssrc for one in viewer.packets}) == 1
    await until(lambda: first.dtls.state == "closed")
    assert told.count((first.pid, LineState.CONNECTED)) == 2
    assert (first.pid, LineState.CLOSED) not in told
    await second.close()


async def test_a_viewer_who_comes_back_over_another_connection_goes_on_watching(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    wants = [Wanted(sender.pid, "video", "face")]
    first = await enter(wants=wants)
    await sender.send(FACE, 7, KEY_FRAME)
    await until(lambda: first.packets)
    second = await enter(pid=first.pid, wants=wants)
    await until(lambda: first.dtls.state == "closed")
    sender.reports.clear()
    await sender.send(FACE, 8, DELTA_FRAME)
    await sender.send(FACE, 9, KEY_FRAME)
    await until(lambda: second.packets)
    assert [one.payload for one in second.packets] == [KEY_FRAME]


async def test_two_who_offer_at_once_are_two(forwarder: Forwarder) -> None:
    peers = [Peer(forwarder, sends=[FACE]) for _ in range(3)]
    await asyncio.gather(*(peer.offer() for peer in peers), forwarder.leave(peers[0].pid))
    await asyncio.gather(*(peer.open() for peer in peers[1:]))
    await until(lambda: all(forwarder.is_open(peer.pid) for peer in peers[1:]))
    for peer in peers:
        await peer.close()


async def test_what_is_sealed_passes_as_it_is(enter: Enter) -> None:
    sender = await enter(sends=[FACE, VOICE])
    viewer = await enter(wants=[Wanted(sender.pid, "video"), Wanted(sender.pid, "audio")])
    sealed = KEY_FRAME[:11] + bytes(range(256)) * 4
    await sender.send(FACE, 7, sealed)
    await sender.send(VOICE, 7, sealed[:200])
    await until(lambda: len(viewer.packets) == 2)
    assert [one.payload for one in viewer.packets] == [sealed, sealed[:200]]


async def test_a_connection_that_never_opens_leaves_the_one_before(
    enter: Enter, forwarder: Forwarder, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(first.pid, "video")])
    monkeypatch.setattr("signaling.media.line.OPEN_WITHIN", 0.05)
    second = Peer(forwarder, first.pid, [Track(2001)])
    await second.offer()
    await asyncio.sleep(0.1)
    await first.send(FACE, 7, KEY_FRAME)
    await until(lambda: viewer.packets)
    assert told == [(first.pid, LineState.CONNECTED), (viewer.pid, LineState.CONNECTED)]
    await second.close()


async def test_a_room_has_an_end(forwarder: Forwarder) -> None:
    peers = [Peer(forwarder, sends=[FACE]) for _ in range(MOST_MEMBERS + 1)]
    for peer in peers[:-1]:
        await peer.offer()
    with pytest.raises(BadOffer):
        await peers[-1].offer()
    await forwarder.close()
    with pytest.raises(BadOffer):
        await peers[0].offer()
    for peer in peers:
        await peer.close()


async def test_nobody_comes_into_a_room_that_is_closing(forwarder: Forwarder) -> None:
    pid = uuid.uuid4()
    peers = [Peer(forwarder, pid, [FACE]) for _ in range(3)]
    *offers, _closed = await asyncio.gather(
        *(peer.offer() for peer in peers), forwarder.close(), return_exceptions=True
    )
    assert all(told is None or isinstance(told, BadOffer) for told in offers)
    assert not forwarder._members
    assert not forwarder._coming
    for peer in peers:
        await peer.close()


class Listening:
    """Hears of everything."""

    def __init__(self) -> None:
        self.there: list[Source] = []
        self.packets: list[Packet] = []

    def came(self, _pid: uuid.UUID, source: Source) -> None:
        """Take its packets."""
        self.there.append(source)
        source.sinks.append(lambda packet, _at: self.packets.append(packet))

    def went(self, _pid: uuid.UUID, source: Source) -> None:
        """No more."""
        self.there.remove(source)


async def test_who_listens_hears_of_every_track(enter: Enter, forwarder: Forwarder) -> None:
    early, late = Listening(), Listening()
    forwarder.listen(early)
    sender = await enter(sends=[FACE, VOICE])
    forwarder.listen(late)
    for listening in (early, late):
        assert [one.kind for one in listening.there] == ["video", "audio"]
    await sender.send(FACE, 7, KEY_FRAME)
    await sender.send(FACE, 7, KEY_FRAME)
    await sender.send(FACE, 8, DELTA_FRAME)
    await until(lambda: len(early.packets) == 2)
    assert [one.payload for one in late.packets] == [KEY_FRAME, DELTA_FRAME]
    forwarder.unlisten(late)
    await forwarder.leave(sender.pid)
    assert not early.there
    assert len(late.there) == 2
