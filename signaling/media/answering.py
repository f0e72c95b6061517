"""The answer to a browser's offer (RFC 8829): it always offers, we never do, so no two offers can cross.

What a browser sends is taken as Opus and VP8; what it only receives it gets from whom it asked for.
"""

import copy
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceCandidate, RTCIceParameters
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpHeaderExtensionParameters
from aiortc.sdp import GroupDescription, MediaDescription, SessionDescription, SsrcDescription

from signaling.media.offering import SEND_TIME, TRANSPORT_NUMBERS, Offer, Section

_UP: Final = {
    "audio": (("transport-cc", None),),
    "video": (("transport-cc", None), ("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
}
_DOWN: Final = {
    "audio": (),
    "video": (("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
}


@dataclass(frozen=True, slots=True)
class Sent:
    """What we send on an m-line."""

    ssrc: int
    stream: str
    """The id of the MediaStream it is in, with the viewer (RFC 8830)."""


def answer(
    offer: Offer,
    *,
    sending: Mapping[str, Sent],
    ice: RTCIceParameters,
    candidates: list[RTCIceCandidate],
    dtls: RTCDtlsParameters,
) -> str:
    """The SDP of our answer. `sending`: by m-line what we send on it."""
    described = SessionDescription()
    described.type = "answer"
    described.origin = f"- {secrets.randbits(60)} 2 IN IP4 0.0.0.0"
    described.msid_semantic.append(GroupDescription("WMS", ["*"]))
    bundle: list[int | str] = []
    for theirs in offer.described.media:
        section = offer.sections.get(theirs.rtp.muxId)
        ours = MediaDescription(theirs.kind, 9, theirs.profile, [])
        ours.host, ours.rtp.muxId = "0.0.0.0", theirs.rtp.muxId  # noqa: S104  (an address that says nothing, RFC 8840)
        ours.ice, ours.rtcp_mux, ours.rtcp_port = ice, True, 9
        if section is None:
            ours.port, ours.fmt, ours.direction = 0, theirs.fmt, "inactive"
            described.media.append(ours)
            continue
        bundle.append(section.mid)
        _agree(ours, section, sending.get(section.mid))
        ours.dtls = RTCDtlsParameters(fingerprints=dtls.fingerprints, role="client")
        ours.ice_candidates, ours.ice_candidates_complete = candidates, True
        described.media.append(ours)
    described.group.append(GroupDescription("BUNDLE", bundle))
    return str(described)


def _agree(ours: MediaDescription, section: Section, sent: Sent | None) -> None:
    codec = copy.copy(section.codec)
    ways = (_UP if section.is_up else _DOWN)[section.kind]
    codec.rtcpFeedback = [RTCRtcpFeedback(type=kind, parameter=parameter) for kind, parameter in ways]
    codec.parameters = {"minptime": 10, "useinbandfec": 1} if section.kind == "audio" else {}
    ours.fmt, ours.rtp.codecs = [section.payload_type], [codec]
    if section.extension is not None:
        uri = TRANSPORT_NUMBERS if section.is_up else SEND_TIME
        ours.rtp.headerExtensions = [RTCRtpHeaderExtensionParameters(id=section.extension, uri=uri)]
    if section.is_up:
        ours.direction = "recvonly"
    elif sent is None:
        ours.direction = "inactive"
    else:
        ours.direction, ours.msid = "sendonly", f"{sent.stream} {sent.stream}-{section.mid}"
        ours.ssrc = [SsrcDescription(ssrc=sent.ssrc, cname=sent.stream)]
