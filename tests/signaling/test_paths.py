"""The rule by which a call goes from person to person or through the server."""

import pytest

from signaling.paths import NARROW, WIDE, Need, Uplink, chosen
from signaling.protocol_through import Way

FULL, RICH = Uplink(NARROW - 1, is_full=True), Uplink(WIDE, is_full=False)
NOT_FULL, BETWEEN = Uplink(NARROW - 1, is_full=False), Uplink(WIDE - 1, is_full=False)


@pytest.mark.parametrize(
    ("need", "way"),
    [
        (Need(1), "direct"),
        (Need(2), "direct"),
        (Need(3), "direct"),
        (Need(4), "server"),
        (Need(2, [FULL, FULL]), "direct"),
        (Need(3, [RICH, FULL]), "server"),
        (Need(3, [RICH, NOT_FULL]), "direct"),
        (Need(2, is_asked_for=True), "server"),
        (Need(2, direct_fails=True), "server"),
        (Need(4, server_fails=True), "direct"),
        (Need(6, server_fails=True), "server"),
        (Need(2, direct_fails=True, server_fails=True), "direct"),
    ],
)
def test_what_is_needed_decides(need: Need, way: Way) -> None:
    assert chosen(need, "direct") == way


def test_three_come_back_only_where_every_uplink_is_wide_again() -> None:
    assert chosen(Need(3, [RICH, BETWEEN]), "server") == "server"
    assert chosen(Need(3, [RICH, BETWEEN]), "direct") == "direct"
    assert chosen(Need(3, [RICH, RICH]), "server") == "direct"
    assert chosen(Need(3), "server") == "direct"
    assert chosen(Need(2, [BETWEEN, BETWEEN]), "server") == "direct"
