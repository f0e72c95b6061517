"""What we build on of aiortc and aioice that they do not promise: when one of these changes, read
`signaling/media/{guard,line,reach}.py` again before taking the new version.
"""

import hashlib
import inspect
from importlib.metadata import version

import aioice
import aiortc
import pytest
from aioice import ice
from aiortc import RTCCertificate, RTCDtlsTransport, RTCIceGatherer, RTCIceTransport
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.sdp import MediaDescription, SessionDescription

from signaling.media import guard

STUN = guard.GuardedStun.__base__
assert STUN is not None
VERSIONS = {"aiortc": "1.16.0", "aioice": "0.13.0"}
OVERRIDDEN = {STUN.datagram_received: "(self, data: bytes | str, addr: tuple[typing.Any, ...]) -> None"}
CALLED = {
    RTCDtlsTransport._set_role: "(self, role: str) -> None",
    ice.Connection.get_component_candidates: (
        "(self, component: int, addresses: list[str], timeout: int = 5) -> list[aioice.candidate.Candidate]"
    ),
    ice.Connection.data_received: "(self, data: bytes, component: int) -> None",
}
READ = {
    STUN.datagram_received: "ff4c8b910d45fb3a",
    ice.Connection._check_periodic: "ce421a512904f981",
    ice.Connection.check_complete: "52f939709eabc0ab",
    ice.Connection.check_incoming: "cb3e32bd47e5fa82",
    ice.Connection.connect: "da51be46190141ee",
    ice.Connection.request_received: "dcdc9a3862c1a0b4",
    ice.Connection.recvfrom: "676acc01e4a9a9da",
    ice.Connection.get_component_candidates: "118597a9fcb703f9",
    RTCDtlsTransport.start: "3b3522667fe0a3da",
    RTCDtlsTransport._recv_next: "998076720c05aa13",
    RTCDtlsTransport._setup_srtp: "75cc6ec308f16da1",
    RTCDtlsTransport.stop: "44a8b3fc40aa9d7b",
    RTCIceTransport.start: "54279d028c0eb849",
    RTCIceTransport.stop: "21ec0a44c16c9316",
}
"""What the guard and the line lean on how they work, by the digest of what was read when ours were written."""


@pytest.mark.parametrize(("name", "number"), VERSIONS.items())
def test_the_versions_are_those_that_were_read(name: str, number: str) -> None:
    assert version(name) == number


@pytest.mark.parametrize(
    ("method", "signature"), (OVERRIDDEN | CALLED).items(), ids=lambda one: getattr(one, "__qualname__", "")
)
def test_the_libraries_methods_are_as_we_know_them(method: object, signature: str) -> None:
    assert callable(method)
    assert str(inspect.signature(method)) == signature


@pytest.mark.parametrize(("method", "digest"), READ.items(), ids=lambda one: getattr(one, "__qualname__", ""))
def test_the_libraries_work_as_was_read(method: object, digest: str) -> None:
    assert inspect.isfunction(method)
    assert hashlib.sha256(inspect.getsource(method).encode()).hexdigest()[:16] == digest


async def test_the_libraries_attributes_are_where_we_look_for_them() -> None:
    gatherer = RTCIceGatherer(iceServers=[])
    transport = RTCIceTransport(gatherer)
    dtls = RTCDtlsTransport(transport, [RTCCertificate.generateCertificate()])
    connection = transport._connection
    assert isinstance(connection, aioice.Connection)
    assert connection is gatherer._connection
    assert {"_check_list", "_nominated", "_protocols", "_queue", "ice_controlling"} <= vars(connection).keys()
    assert {"_rx_srtp", "_tx_srtp"} <= vars(dtls).keys()
    assert (dtls.state, transport.state) == ("new", "new")
    assert not hasattr(connection, "tap"), "theirs now"
    await gatherer.gather()
    protocol = connection._protocols[0]
    assert protocol.receiver is connection
    assert protocol.local_candidate.component == 1
    assert callable(protocol.transport.sendto)
    await transport.stop()


def test_pairs_have_addresses() -> None:
    assert {"remote_addr", "protocol"} <= {*dir(ice.CandidatePair), *inspect.signature(ice.CandidatePair).parameters}


def test_srtp_protects_and_unprotects_bytes() -> None:
    from pylibsrtp import Error, Session

    assert issubclass(Error, Exception)
    assert all(callable(getattr(Session, name)) for name in ("protect", "protect_rtcp", "unprotect", "unprotect_rtcp"))


def test_descriptions_have_what_we_read_and_write() -> None:
    media = MediaDescription("audio", 9, "UDP/TLS/RTP/SAVPF", [])
    written = {"dtls", "ice", "rtp", "direction", "msid", "ssrc", "port", "fmt", "host", "rtcp_mux", "rtcp_port"}
    assert written | {"ice_candidates", "ice_candidates_complete"} <= vars(media).keys()
    assert {"media", "group", "msid_semantic", "origin", "type"} <= vars(SessionDescription()).keys()
    assert {"usernameFragment", "password"} <= vars(RTCIceParameters()).keys()
    assert aiortc.__version__ == VERSIONS["aiortc"]
