"""A browser's offer, read (RFC 8829, RFC 8866): a stranger wrote it, so nothing of it is believed unchecked.

What is not Opus or VP8 is left out. Candidates are not read: the browser finds us (`line.py`).
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from aiortc.rtcdtlstransport import RTCDtlsParameters
from aiortc.rtcicetransport import RTCIceParameters
from aiortc.rtcrtpparameters import RTCRtpCodecParameters
from aiortc.sdp import MediaDescription, SessionDescription

CODECS: Final = {"audio": ("opus", 48_000), "video": ("vp8", 90_000)}
TRANSPORT_NUMBERS: Final = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
MOST_LINES: Final = 60
MOST_SENT: Final = 18
"""m-lines one browser sends on."""
LARGEST_OFFER: Final = 100_000  # characters
_READ: Final = re.compile(
    r"(?:[vostcm]=|a=(?:mid:|msid:|ice-ufrag:|ice-pwd:|setup:|fingerprint:|extmap:|rtpmap:\S+ (?:opus|VP8)/|ssrc:"
    r"|sendonly$|recvonly$|sendrecv$|inactive$))",
    re.IGNORECASE,
)
"""The lines of which anything is read; the rest is not even parsed."""
_MOST_OF_A_KIND: Final = 32
"""Of these in one m-line; of sources one is enough."""
_UFRAG: Final = re.compile(r"[A-Za-z0-9+/]{4,256}")
_PASSWORD: Final = re.compile(r"[A-Za-z0-9+/]{22,256}")
_MID: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,16}")
_STREAM: Final = re.compile(r"[!#-'*+\-.0-9A-Z^-~]{1,64}")
_DIGESTS: Final = {"sha-256": 32, "sha-384": 48, "sha-512": 64}
_HEX: Final = re.compile(r"[0-9A-F]{2}(:[0-9A-F]{2})*", re.IGNORECASE)


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
    """Upwards theirs."""
    stream: str
    """Upwards the id of their MediaStream; empty where it is in none."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a browser asked for."""

    described: SessionDescription
    sections: Mapping[str, Section]
    ice: RTCIceParameters
    dtls: RTCDtlsParameters


def read_offer(sdp: str) -> Offer:
    """Raises BadOffer, and nothing else, whatever is given."""
    lines, bundled = _looked_over(sdp)
    try:
        described = SessionDescription.parse(lines)
    except Exception as error:  # aiortc's parser asserts, indexes and unpacks what strangers wrote
        raise BadOffer(type(error).__name__) from error
    mids = [media.rtp.muxId for media in described.media]
    if not 0 < len(mids) <= MOST_LINES or len(set(mids)) < len(mids) or not all(map(_MID.fullmatch, mids)):
        raise BadOffer("no m-lines, too many, or without names of their own")
    ice, dtls = _way(described)
    sections = {
        section.mid: section
        for line, media in enumerate(described.media)
        if (media.port or line in bundled) and (section := _section(media)) is not None
    }
    ups = [section for section in sections.values() if section.is_up]
    if len(ups) > MOST_SENT or len({section.ssrc for section in ups}) < len(ups):
        raise BadOffer("too many tracks, or two that are one")
    return Offer(described, sections, ice, dtls)


def is_stream(name: str) -> bool:
    """Whether it may be the id of a MediaStream (RFC 8830 §2)."""
    return bool(_STREAM.fullmatch(name))


def _looked_over(sdp: str) -> tuple[str, set[int]]:
    """The lines that are read, and which m-lines have no port because they share one (RFC 9143 §6).

    Raises BadOffer where that is more than any browser writes.
    """
    if len(sdp) > LARGEST_OFFER:
        raise BadOffer("too long")
    kept: list[str] = []
    bundled: set[int] = set()
    seen: Counter[str] = Counter()
    count = 0
    for line in sdp.splitlines():
        if line.startswith("m="):
            count += 1
            seen.clear()
        elif line == "a=bundle-only":
            bundled.add(count - 1)
        if not _READ.match(line) or (line.startswith("a=ssrc:") and seen["a=ssrc"]):
            continue
        seen[line[:6]] += 1
        if seen[line[:6]] > _MOST_OF_A_KIND or count > MOST_LINES:
            raise BadOffer("too much of a kind")
        kept.append(line)
    return "\r\n".join(kept) + "\r\n", bundled


def _way(described: SessionDescription) -> tuple[RTCIceParameters, RTCDtlsParameters]:
    for media in described.media:
        if not media.port or media.dtls is None or media.ice is None:
            continue
        fingerprints = [
            one
            for one in media.dtls.fingerprints
            if len(one.value) == 3 * _DIGESTS.get(one.algorithm.lower(), 0) - 1 and _HEX.fullmatch(one.value)
        ]
        if (
            not fingerprints
            or media.dtls.role == "client"  # so are we
            or not _UFRAG.fullmatch(media.ice.usernameFragment or "")
            or not _PASSWORD.fullmatch(media.ice.password or "")
        ):
            raise BadOffer("no way to connect")
        return media.ice, RTCDtlsParameters(fingerprints=fingerprints, role=media.dtls.role)
    raise BadOffer("nothing to connect")


def _section(media: MediaDescription) -> Section | None:
    codec = _codec(media)
    if codec is None or codec.payloadType is None or media.direction not in ("sendrecv", "sendonly", "recvonly"):
        return None
    is_up = media.direction != "recvonly"
    ssrc = media.ssrc[0].ssrc if media.ssrc else 0
    if is_up and not 0 < ssrc < 1 << 32:
        return None
    uri = TRANSPORT_NUMBERS if is_up else SEND_TIME
    extension = next((one.id for one in media.rtp.headerExtensions if one.uri == uri and 0 < one.id < 15), None)
    stream = (media.msid or "").partition(" ")[0]
    return Section(
        mid=media.rtp.muxId,
        kind=media.kind,
        is_up=is_up,
        codec=codec,
        payload_type=codec.payloadType,
        extension=extension,
        ssrc=ssrc,
        stream=stream if stream != "-" and is_stream(stream) else "",
    )


def _codec(media: MediaDescription) -> RTCRtpCodecParameters | None:
    name, rate = CODECS.get(media.kind, ("", 0))
    for codec in media.rtp.codecs:
        number = codec.payloadType
        if (
            codec.mimeType.lower() == f"{media.kind}/{name}"
            and codec.clockRate == rate
            and number is not None
            and (0 <= number < 64 or 96 <= number < 128)  # the rest would be taken for RTCP (RFC 5761 §4)
        ):
            return codec
    return None
