"""What strangers send to the ports of a line: nothing of it may reach DTLS or SRTP."""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from aioice import ice, stun
from aiortc.rtcdtlstransport import SRTP_PROFILES
from OpenSSL import SSL

from signaling.media import guard
from signaling.media.forwarder import Forwarder, Wanted
from signaling.media.packets import written
from tests.signaling.media.conftest import Enter
from tests.signaling.media.peer import CERTIFICATE, Peer, Track, until
from tests.signaling.media.streams import KEY_FRAME, packet

FACE = Track(1001)
ALERT = bytes.fromhex("15feff00000000000000000002") + b"\x02\x28"
"""Handshake failure, fatal, as anyone can write it (RFC 6347 §4.1)."""


def client_hello() -> bytes:
    """The first flight of a DTLS client."""
    connection = SSL.Connection(CERTIFICATE._create_ssl_context(srtp_profiles=SRTP_PROFILES))
    connection.set_connect_state()
    with pytest.raises(SSL.WantReadError):
        connection.do_handshake()
    flight: bytes = connection.bio_read(1500)
    return flight


FORGED = written(packet(1, 0, KEY_FRAME), payload_type=96, ssrc=FACE.ssrc, sequence=1, timestamp=0, send_time_id=None)
STRAY = [
    client_hello(),
    ALERT,
    b"\x14\xfe\xfd",
    b"",
    b"\0",
    b"\x01\x01" + bytes(30),
    FORGED + bytes(10),
    b"\x80\xc8" + bytes(30),
    b"\x40\x01\x00\x04data",
    b"\xff" * 1400,
]


@contextmanager
def stranger() -> Iterator[socket.socket]:
    """Somebody with a socket of their own."""
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.setblocking(False)
    try:
        yield one
    finally:
        one.close()


def address(peer: Peer) -> tuple[str, int]:
    """Ours, for this peer."""
    return next((one.ip, one.port) for one in peer.answer.media[0].ice_candidates if ":" not in one.ip)


async def _keep_sending(stray: socket.socket, to: tuple[str, int]) -> None:
    while True:
        for data in STRAY:
            stray.sendto(data, to)
            await asyncio.sleep(0.0005)


async def test_what_strangers_send_meanwhile_does_not_keep_a_line_from_opening(forwarder: Forwarder) -> None:
    for _ in range(3):
        peer = Peer(forwarder, sends=[FACE])
        with stranger() as stray:
            await peer.offer()
            sending = asyncio.create_task(_keep_sending(stray, address(peer)))
            await peer.open()
            await until(partial(forwarder.is_open, peer.pid))
            sending.cancel()
        await peer.close()


async def test_what_strangers_send_later_does_not_disturb_a_line(enter: Enter, forwarder: Forwarder) -> None:
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    with stranger() as stray:
        for data in STRAY * 20:
            stray.sendto(data, address(sender))
            stray.sendto(data, address(viewer))
        for _ in range(200):
            stray.sendto(os.urandom(200), address(sender))
        await asyncio.sleep(0.05)
    await sender.send(FACE, 7, KEY_FRAME)
    await until(lambda: viewer.packets)
    assert [one.sequence for one in viewer.packets] == [7]
    assert forwarder.is_open(sender.pid)


async def test_what_its_own_browser_sends_that_is_none_changes_nothing(enter: Enter) -> None:
    sender = await enter(sends=[FACE])
    viewer = await enter(wants=[Wanted(sender.pid, "video")])
    for data in (FORGED, b"\x80", b"\x80\xc8", b"\x80" * 2000, ALERT, b"\x17\xfe\xfd" + bytes(40)):
        await sender.ice._send(data)
    await sender.send(FACE, 7, KEY_FRAME)
    await until(lambda: viewer.packets)


async def test_a_check_without_the_password_makes_nobody_known(enter: Enter) -> None:
    peer = await enter(sends=[FACE])
    line = peer.forwarder._members[peer.pid].line
    request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{line._connection.local_username}:{peer.ice._connection.local_username}"
    request.add_message_integrity(b"guessed")
    pairs = len(line._connection._check_list)
    with stranger() as stray:
        stray.sendto(bytes(request), address(peer))
        await asyncio.sleep(0.05)
    assert len(line._connection._check_list) == pairs


async def test_a_browser_with_very_many_addresses_is_not_followed(enter: Enter) -> None:
    peer = await enter(sends=[FACE])
    connection = peer.forwarder._members[peer.pid].line._connection
    for _ in range(guard.MOST_PAIRS + 20):
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{connection.local_username}:{peer.ice._connection.local_username}"
        request.attributes["PRIORITY"] = 1
        request.attributes["ICE-CONTROLLING"] = 1
        request.add_message_integrity(connection.local_password.encode())
        with stranger() as stray:
            stray.sendto(bytes(request), address(peer))
        await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    assert len(connection._check_list) <= guard.MOST_PAIRS


def test_every_connection_of_this_process_is_guarded() -> None:
    assert ice.StunProtocol is guard.GuardedStun
