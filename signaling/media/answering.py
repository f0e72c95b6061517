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
from aiortc.rtcrtpparameters import RTCRtcpFeedback, RTCRtpCodecParameters, RTCRtpHeaderExtensionParameters
from aiortc.sdp import GroupDescription, MediaDescription, SessionDescription, SsrcDescription

CODECS: Final = {"audio": "opus", "video": "VP8"}
TRANSPORT_NUMBERS: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
MOST_LINES: Final = 40
LARGEST_OFFER: Final = 60_000  # characters
_UP: Final = {
    "audio": (("transport-cc", None),),
    "video": (("transport-cc", None), ("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
}
_DOWN: Final = {
    "audio": (),
    "video": (("goog-remb", None), ("nack", None), ("nack", "pli"), ("ccm", "fir")),
}


class BadOffer(ValueError):
    """An offer that is none, or wants what there is not."""


@dataclass(frozen=True, slots=True)
class Section:
    """One m-line of an offer, as far as it is agreed."""

    mid: str
    kind: str
    is_up: bool
    codec: RTCRtpCodecParameters
    payload_type: int
    extension: int | None
    """The id of the header extension that is used: the number on the line upwards, the time sent downwards."""
    ssrc: int
    """Upwards theirs, 0 where the offer names none."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a browser asked for."""

    described: SessionDescription
    sections: Mapping[str, Section]
    ice: RTCIceParameters
    dtls: RTCDtlsParameters
    candidates: tuple[RTCIceCandidate, ...]


def read_offer(sdp: str) -> Offer:
    """Raises BadOffer."""
    if len(sdp) > LARGEST_OFFER:
        raise BadOffer("too long")
    try:
        described = SessionDescription.parse(sdp)
    except Exception as error:  # aiortc's parser asserts, indexes and unpacks what strangers wrote
        raise BadOffer(type(error).__name__) from error
    usable = [media for media in described.media if media.port and media.dtls and media.dtls.fingerprints]
    if not usable or len(described.media) > MOST_LINES:
        raise BadOffer("no line to answer, or too many")
    first = usable[0]
    if first.dtls is None or first.ice is None or not (first.ice.usernameFragment and first.ice.password):
        raise BadOffer("no way to connect")
    sections = {}
    for media in usable:
        section = _section(media)
        if section is not None and section.mid not in sections:
            sections[section.mid] = section
    return Offer(described, sections, first.ice, first.dtls, tuple(first.ice_candidates))


def _section(media: MediaDescription) -> Section | None:
    wanted = CODECS.get(media.kind, "").lower()
    name = f"{media.kind}/{wanted}"
    codec = next((codec for codec in media.rtp.codecs if codec.mimeType.lower() == name), None)
    if (
        codec is None
        or codec.payloadType is None
        or not media.rtp.muxId
        or media.direction not in ("sendrecv", "sendonly", "recvonly")
    ):
        return None
    is_up = media.direction != "recvonly"
    uri = TRANSPORT_NUMBERS if is_up else SEND_TIME
    extension = next((one.id for one in media.rtp.headerExtensions if one.uri == uri and one.id < 15), None)
    return Section(
        media.rtp.muxId, media.kind, is_up, codec, codec.payloadType, extension, media.ssrc[0].ssrc if media.ssrc else 0
    )


def answer(
    offer: Offer,
    *,
    sending: Mapping[str, tuple[int, str]],
    ice: RTCIceParameters,
    candidates: list[RTCIceCandidate],
    dtls: RTCDtlsParameters,
) -> str:
    """The SDP of our answer. `sending`: by m-line what we send on it, as SSRC and whose it is."""
    described = SessionDescription()
    described.type = "answer"
    described.origin = f"- {secrets.randbits(60)} 2 IN IP4 0.0.0.0"
    described.msid_semantic.append(GroupDescription("WMS", ["*"]))
    bundle: list[int | str] = []
    for theirs in offer.described.media:
        section = offer.sections.get(theirs.rtp.muxId or "")
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


def _agree(ours: MediaDescription, section: Section, sent: tuple[int, str] | None) -> None:
    codec = copy.copy(section.codec)
    ways = (_UP if section.is_up else _DOWN)[section.kind]
    codec.rtcpFeedback = [RTCRtcpFeedback(type=kind, parameter=parameter) for kind, parameter in ways]
    codec.parameters = {"minptime": 10, "useinbandfec": 1} if section.kind == "audio" else {}
    ours.fmt, ours.rtp.codecs = [codec.payloadType], [codec]
    if section.extension is not None:
        uri = TRANSPORT_NUMBERS if section.is_up else SEND_TIME
        ours.rtp.headerExtensions = [RTCRtpHeaderExtensionParameters(id=section.extension, uri=uri)]
    if section.is_up:
        ours.direction = "recvonly"
    elif sent is None:
        ours.direction = "inactive"
    else:
        ssrc, owner = sent
        ours.direction, ours.msid = "sendonly", f"{owner} {owner}-{section.mid}"
        ours.ssrc = [SsrcDescription(ssrc=ssrc, cname=owner)]
