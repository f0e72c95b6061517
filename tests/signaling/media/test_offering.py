"""What a browser may offer, and what strangers do."""

import random
import time
from collections.abc import Callable

import pytest

from signaling.media.offering import BadOffer, read_offer

PRINT = ":".join(["AB"] * 32)
HEAD = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
SENT = (
    "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:abcd\r\n"
    "a=ice-pwd:abcdefghijklmnopqrstuv\r\na=setup:actpass\r\n"
    f"a=fingerprint:sha-256 {PRINT}\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\na=rtcp-mux\r\n"
    "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 H264/90000\r\na=sendonly\r\na=msid:face track\r\na=ssrc:1001 cname:x\r\n"
)
WANTED = SENT.replace("mid:0", "mid:1").replace("sendonly", "recvonly")
GOOD = HEAD + SENT + WANTED
QUICK = 0.1
"""Seconds of processor."""


def without(line: str) -> str:
    """The good offer without the lines that begin so."""
    return "".join(one for one in GOOD.splitlines(keepends=True) if not one.startswith(line))


def changed(before: str, after: str) -> str:
    """The good offer with something else in it."""
    assert before in GOOD
    return GOOD.replace(before, after)


BAD = {
    "nothing": "",
    "a version": "v=0",
    "no lines": HEAD,
    "half a line": "m=audio 9 x y",
    "no fingerprint": without("a=fingerprint"),
    "half a fingerprint": changed(PRINT, ""),
    "a short fingerprint": changed(PRINT, PRINT[:-3]),
    "a fingerprint of other letters": changed(PRINT, PRINT.replace("A", "Z")),
    "a digest nobody trusts": changed("sha-256", "md5"),
    "no role": without("a=setup"),
    "a role of no kind": changed("actpass", "maybe"),
    "our role": changed("actpass", "active"),
    "no fragment": without("a=ice-ufrag"),
    "a short fragment": changed("ufrag:abcd", "ufrag:abc"),
    "a fragment of other letters": changed("ufrag:abcd", "ufrag:ab\u00e9d"),
    "half a surrogate": changed("ufrag:abcd", "ufrag:ab\ud800d"),
    "no password": without("a=ice-pwd"),
    "a long password": changed("abcdefghijklmnopqrstuv", "a" * 257),
    "no names": without("a=mid"),
    "one name for two": changed("mid:1", "mid:0"),
    "a name of seventeen letters": changed("mid:1", "mid:" + "a" * 17),
    "a name with a space": changed("mid:1", "mid:a b"),
    "two tracks that are one": HEAD + SENT + SENT.replace("mid:0", "mid:1"),
    "no ports": changed(" 9 UDP", " 0 UDP"),
    "a port that is none": changed(" 9 UDP", " -9 UDP"),
    "a port that is text": changed(" 9 UDP", " nine UDP"),
    "a payload type that is text": changed("rtpmap:96", "rtpmap:x"),
    "a clock that is text": changed("VP8/90000", "VP8/fast"),
    "an SSRC that is text": changed("ssrc:1001", "ssrc:x"),
    "an SSRC without more": changed("ssrc:1001 cname:x", "ssrc:1001"),
    "an extension without a number": changed("extmap:3", "extmap:x"),
    "a number of five thousand digits": changed("ssrc:1001", "ssrc:" + "9" * 5000),
    "too long": GOOD + "a" * 100_000,
    "too many lines": HEAD + "".join(WANTED.replace("mid:1", f"mid:{at}") for at in range(61)),
    "too many tracks": HEAD
    + "".join(SENT.replace("mid:0", f"mid:{at}").replace("1001", str(at + 1)) for at in range(19)),
    "too many codecs": GOOD + "a=rtpmap:96 VP8/90000\r\n" * 4000,
    "too many extensions": GOOD + "a=extmap:3 urn:x\r\n" * 5000,
    "too many fingerprints": GOOD + f"a=fingerprint:sha-256 {PRINT}\r\n" * 900,
    "nonsense": "".join(chr(random.Random(at).randrange(1, 0x2FFF)) for at in range(5000)),
    "only nulls": "\0" * 1000,
    "an empty line of each": "\r\n".join(f"{letter}=" for letter in "vostmac"),
}


def at_best(read: Callable[[], None]) -> float:
    """Seconds of this thread: the least of three times, for in one of them all garbage of the run may be collected."""
    taken = []
    for _ in range(3):
        began = time.thread_time()
        read()
        taken.append(time.thread_time() - began)
    return min(taken)


@pytest.mark.parametrize("sdp", BAD.values(), ids=BAD.keys())
def test_what_is_no_offer_is_refused_at_once(sdp: str) -> None:
    def refused() -> None:
        with pytest.raises(BadOffer):
            read_offer(sdp)

    assert at_best(refused) < QUICK


MUCH = {
    "feedback": GOOD + "a=rtcp-fb:* a\r\n" * 5000,
    "sources": GOOD + "".join(f"a=ssrc:{at} a:b\r\n" for at in range(5000)),
    "candidates": GOOD + "a=candidate:1 1 udp 1 10.0.0.1 9 typ host\r\n" * 1500,
    "parameters": GOOD + "a=fmtp:5 x\r\n" * 5000,
    "lines, each with much": HEAD
    + "".join(
        WANTED.replace("mid:1", f"mid:{at}").replace("a=rtpmap:96", "a=rtpmap:96 VP8/90000\r\n" * 30 + "a=rtpmap:96")
        for at in range(60)
    ),
}


@pytest.mark.parametrize("sdp", MUCH.values(), ids=MUCH.keys())
def test_much_of_what_is_not_read_costs_nothing(sdp: str) -> None:
    def is_read() -> None:
        assert read_offer(sdp).sections

    assert at_best(is_read) < QUICK


def test_any_offer_with_something_cut_out_is_read_or_refused() -> None:
    chance = random.Random(1)
    for _ in range(300):
        begin, length = chance.randrange(len(GOOD)), chance.randrange(1, 60)
        put = "".join(chance.choice("0:/= \r\na\u0660") for _ in range(chance.randrange(4)))
        try:
            read_offer(GOOD[:begin] + put + GOOD[begin + length :])
        except BadOffer:
            continue


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("VP8/90000", "VP9/90000"),
        ("VP8/90000", "VP8/1"),
        ("96 VP8", "300 VP8"),
        ("96 VP8", "72 VP8"),
        ("ssrc:1001", "ssrc:0"),
        ("ssrc:1001", "ssrc:-1"),
        ("ssrc:1001", "ssrc:4294967296"),
        ("a=sendonly", "a=inactive"),
    ],
)
def test_a_track_that_is_none_is_left_out(before: str, after: str) -> None:
    assert [one.mid for one in read_offer(GOOD.replace(before, after, 1)).sections.values()] == ["1"]


def test_what_is_agreed_is_read() -> None:
    sent, wanted = read_offer(GOOD).sections.values()
    assert (sent.mid, sent.kind, sent.is_up, sent.payload_type, sent.extension) == ("0", "video", True, 96, 3)
    assert (sent.ssrc, sent.stream) == (1001, "face")
    assert (wanted.mid, wanted.is_up, wanted.extension) == ("1", False, None)


def test_a_line_that_shares_a_port_needs_none() -> None:
    bundled = WANTED.replace(" 9 UDP", " 0 UDP")
    assert list(read_offer(HEAD + SENT + bundled).sections) == ["0"]
    assert list(read_offer(HEAD + SENT + bundled + "a=bundle-only\r\n").sections) == ["0", "1"]


@pytest.mark.parametrize("name", ["-", "a b", "a" * 65, "é", ""])
def test_a_stream_without_a_proper_name_has_none(name: str) -> None:
    sent = read_offer(GOOD.replace("msid:face", f"msid:{name}", 1)).sections["0"]
    assert sent.stream == ("a" if name == "a b" else "")


def test_nothing_is_sent_to_where_an_offer_says() -> None:
    offer = read_offer(GOOD + "a=candidate:1 1 udp 1 192.0.2.9 9 typ host\r\n")
    assert not hasattr(offer, "candidates")
