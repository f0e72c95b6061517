"""Our answer, read as a browser reads it."""

from aiortc import RTCCertificate
from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters
from aiortc.sdp import SessionDescription

from signaling.media.answering import Sent, answer
from signaling.media.offering import read_offer
from tests.signaling.media.test_offering import GOOD, HEAD, SENT, WANTED


def answered(sdp: str, sending: dict[str, Sent]) -> SessionDescription:
    """What we say to it."""
    candidate = RTCIceCandidate(1, "1", "192.0.2.1", 5000, 1, "udp", "host")
    text = answer(
        read_offer(sdp),
        sending=sending,
        ice=RTCIceParameters("ours", "a" * 22),
        candidates=[candidate],
        dtls=RTCDtlsParameters(RTCCertificate.generateCertificate().getFingerprints()),
    )
    return SessionDescription.parse(text)


def test_each_line_is_answered() -> None:
    refused = SENT.replace("mid:0", "mid:2").replace("VP8", "AV1").replace("1001", "1003")
    up, down, none = answered(GOOD + refused, {"1": Sent(77, "face")}).media
    assert (up.direction, up.rtp.muxId, up.fmt) == ("recvonly", "0", [96])
    assert (down.direction, down.msid, down.ssrc[0].ssrc) == ("sendonly", "face face-1", 77)
    assert (none.port, none.direction, none.rtp.muxId) == (0, "inactive", "2")


def test_one_connection_is_for_all() -> None:
    described = answered(GOOD, {})
    assert described.group[0].items == ["0", "1"]
    for media in described.media:
        assert media.dtls is not None
        assert media.dtls.role == "client"
        assert media.ice.usernameFragment == "ours"
        assert media.ice_candidates[0].ip == "192.0.2.1"


def test_what_nobody_sends_is_not_announced() -> None:
    [media] = answered(HEAD + WANTED, {}).media
    assert (media.direction, media.ssrc) == ("inactive", [])


def test_the_feedback_is_what_we_read() -> None:
    up, down = answered(GOOD, {"1": Sent(77, "face")}).media
    assert {(one.type, one.parameter) for one in up.rtp.codecs[0].rtcpFeedback} == {
        ("transport-cc", None),
        ("goog-remb", None),
        ("nack", None),
        ("nack", "pli"),
        ("ccm", "fir"),
    }
    assert "transport-cc" not in {one.type for one in down.rtp.codecs[0].rtcpFeedback}
    assert [one.id for one in up.rtp.headerExtensions] == [3]
