"""The ladder's table, and the rung a link check gives."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from signaling.ladder import OPENING, RUNGS, Rung, opening

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "live.md"


def test_each_rung_asks_less_than_the_one_above() -> None:
    for above, below in pairwise(RUNGS):
        assert below.enter < above.enter
        assert below.leave < above.leave
        assert below.loss >= above.loss
        assert below.concealed >= above.concealed
        assert below.round_trip >= above.round_trip
        assert below.sound.bitrate <= above.sound.bitrate


def test_no_rung_is_left_where_it_was_entered() -> None:
    assert all(rung.leave < rung.enter * 0.8 for rung in RUNGS[:-1])


def test_sound_alone_holds_whatever_the_link() -> None:
    assert opening(uplink=0, loss=1, round_trip=60_000) == RUNGS[-1].name == "audio"


def test_it_opens_in_the_middle_where_nothing_is_known() -> None:
    assert RUNGS[0].name != OPENING != RUNGS[-1].name


@pytest.mark.parametrize(
    ("uplink", "loss", "round_trip", "name"),
    [
        (4e6, 0.0, 40, "hd"),
        (4e6, 0.0, 350, "480p"),
        (4e6, 0.04, 40, "360p"),
        (900_000, 0.0, 40, "480p"),
        (400_000, 0.01, 200, "360p"),
        (200_000, 0.01, 200, "240p"),
        (400_000, 0.07, 200, "240p"),
        (70_000, 0.0, 500, "stills"),
        (400_000, 0.15, 200, "stills"),
        (35_000, 0.05, 600, "audio"),
        (400_000, 0.3, 200, "audio"),
    ],
)
def test_the_rung_of_a_link_check(uplink: float, loss: float, round_trip: float, name: str) -> None:
    assert opening(uplink=uplink, loss=loss, round_trip=round_trip) == name


def _told(rung: Rung) -> list[str]:
    """The numbers of a rung, as the document's table has them."""
    picture, sound = rung.picture, rung.sound
    told = [f"{sound.bitrate // 1000} kbit/s", f"{sound.packet} ms"]
    if rung.enter:
        told += [f"{rung.enter // 1000:,}", f"{rung.leave // 1000:,}", f"{rung.loss:.0%}".replace("%", " %")]
    if picture:
        told += [f"{picture.height} lines, {picture.frame_rate}/s, {picture.bitrate // 1000:,} kbit/s"]
        told += [str(picture.least // 1000)]
    return told


@pytest.mark.parametrize("rung", RUNGS, ids=lambda rung: rung.name)
def test_the_document_has_the_tables_numbers(rung: Rung) -> None:
    row = re.search(rf"^\| `{rung.name}` \|.*$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert row
    assert [number for number in _told(rung) if number not in row.group()] == []
