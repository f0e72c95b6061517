"""The pictures that scanners read."""

import re
from base64 import b64decode

import pytest

from web.scannable import QUIET, code_128, qr

START_C = "11010011100"
STOP = "1100011101011"


def test_a_number_becomes_bars_with_a_quiet_zone() -> None:
    picture = code_128("26123456")
    assert picture
    drawn = b64decode(picture.removeprefix("data:image/svg+xml;base64,")).decode()
    bars = {int(at) - QUIET for at in re.findall(r"M(\d+) 0h1v1", drawn)}
    modules = "".join("1" if at in bars else "0" for at in range(max(bars) + 1))
    assert modules.startswith(START_C) and modules.endswith(STOP)
    assert len(modules) == 11 * 6 + 13, "start, four pairs of digits, the check, the stop"
    assert f'viewBox="0 0 {len(modules) + 2 * QUIET} 1"' in drawn


@pytest.mark.parametrize("text", ["Đ-12", "A" * 21])
def test_what_bars_cannot_say_has_none(text: str) -> None:
    assert code_128(text) is None


def test_a_number_becomes_a_qr() -> None:
    assert qr("26123456").startswith("data:image/svg+xml")
