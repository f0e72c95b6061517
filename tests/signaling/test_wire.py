"""Strictness of the wire, by property."""

import uuid
from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signaling import protocol
from signaling.wire import BadMessage, parse, to_wire

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
KINDS = [ask.message for asks in protocol.FROM_CLIENT.values() for ask in asks.values()]


@given(st.sampled_from(KINDS), JSON)
def test_anything_at_all_is_parsed_or_refused(kind: type, payload: object) -> None:
    try:
        message = parse(kind, payload)
    except BadMessage:
        return
    assert parse(kind, to_wire(message)) == message


def test_what_is_sent_is_read_back() -> None:
    signal = protocol.Signal(uuid.uuid4(), candidate=protocol.Candidate("", sdpMid="0", sdpMLineIndex=0))
    assert to_wire(signal) == {"to": str(signal.to), "candidate": {"candidate": "", "sdpMid": "0", "sdpMLineIndex": 0}}
    assert parse(protocol.Signal, to_wire(signal)) == signal
    assert parse(protocol.Signal, to_wire(signal) | {"description": None}) == signal


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"consult": "x"}, "consult is not an id"),
        ({"consult": "{" + str(uuid.uuid4())[1:]}, "consult is not an id"),
        ({"page": None}, "page is missing"),
        ({"audio": "true"}, "neither true nor false"),
        ({"more": 1}, "unknown field 'more'"),
    ],
)
def test_the_refusal_names_the_field(change: dict[str, object], words: str) -> None:
    join = to_wire(protocol.Join(uuid.uuid4(), audio=True, video=True, consult=uuid.uuid4()))
    with pytest.raises(BadMessage, match=words):
        parse(protocol.Join, join | change)


def test_every_message_is_frozen_and_slotted() -> None:
    for kind in KINDS:
        assert kind.__dataclass_params__.frozen
        assert not hasattr(kind, "__dict__") or "__slots__" in vars(kind)
    assert asdict(protocol.Done()) == {"ok": "yes"}
