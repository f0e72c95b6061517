"""By which addresses and ports browsers reach us."""

import uuid
from pathlib import Path

import pytest

from signaling.media.forwarder import Forwarder, Reach
from teleconsult.settings import Settings
from tests.people import SECRET
from tests.signaling.media.peer import Peer, Track, until

PORTS = range(41_310, 41_390)


def candidates(peer: Peer) -> list[tuple[str, int]]:
    """What the answer names."""
    return [(one.ip, one.port) for one in peer.answer.media[0].ice_candidates]


async def test_media_come_by_the_ports_that_are_open() -> None:
    forwarder = Forwarder(reach=Reach(ports=PORTS))
    peer = await Peer(forwarder, sends=[Track(1)]).connect()
    assert candidates(peer)
    assert all(port in PORTS for _address, port in candidates(peer))
    await peer.close()
    await forwarder.close()


async def test_a_port_that_is_taken_is_left_alone() -> None:
    forwarder = Forwarder(reach=Reach(ports=PORTS[:2]))
    peers = [Peer(forwarder, uuid.uuid4(), [Track(1)]) for _ in range(3)]
    for peer in peers:
        await peer.offer()
    found = [{port for _address, port in candidates(peer)} for peer in peers]
    assert found[0] | found[1] == set(PORTS[:2])
    assert not found[2]
    await forwarder.close()
    for peer in peers:
        await peer.close()


async def test_an_address_that_is_handed_on_is_named_first() -> None:
    forwarder = Forwarder(reach=Reach(host="203.0.113.7"))
    peer = Peer(forwarder, sends=[Track(1)])
    await peer.offer()
    (first, port), *own = candidates(peer)
    assert first == "203.0.113.7"
    assert port in [number for _address, number in own]
    await peer.open()
    await until(lambda: forwarder.is_open(peer.pid))
    await peer.close()
    await forwarder.close()


def test_it_is_as_the_settings_say(tmp_path: Path) -> None:
    said = Settings(secret_key=SECRET, data=tmp_path, media_host="203.0.113.7", media_ports="40000-40099")
    assert Reach.of(said) == Reach("203.0.113.7", range(40_000, 40_100))
    assert Reach.of(Settings(secret_key=SECRET, data=tmp_path)) == Reach()


@pytest.mark.parametrize(
    "wrong",
    [
        {"media_host": "media.example"},
        {"media_ports": "40000"},
        {"media_ports": "80-90"},
        {"media_ports": "50000-40000"},
        {"media_ports": "40000-70000"},
        {"media_ports": "a-b"},
    ],
)
def test_what_is_no_address_and_no_ports_is_refused(tmp_path: Path, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="media_"):
        Settings.model_validate({"secret_key": SECRET, "data": tmp_path} | wrong)
