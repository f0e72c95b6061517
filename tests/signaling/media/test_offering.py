"""What a browser may offer."""

import pytest

from signaling.media.offering import BadOffer, read_offer


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=0",
        "m=audio 9 x y",
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=fingerprint:sha-256\r\n",
        "x" * 70_000,
        "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 999\r\n",
        "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=fmtp:5 x\r\n",
    ],
)
def test_what_is_no_offer_is_refused(sdp: str) -> None:
    with pytest.raises(BadOffer):
        read_offer(sdp)
