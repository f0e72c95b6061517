"""Where the lines of a session's charts stand."""

import re
from datetime import timedelta

from teleconsult.encounters.call_chart import HEIGHT, MARGIN, PLACES, ROWS, WIDTH, Band, chart_of
from teleconsult.encounters.call_models import Departure
from tests.teleconsult.encounters.test_quality import sample
from tests.teleconsult.encounters.test_summing import RURAL, SPECIALIST, call, stay

BOTH = [stay(RURAL, 0, 20), stay(SPECIALIST, 0, 20)]


def points(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", path)]


def test_both_sides_have_one_scale() -> None:
    chart = chart_of(call(BOTH, [sample(10, round_trip=800, loss=0.5, up=2_000_000)]))
    assert (chart.peak_round_trip, chart.peak_loss, chart.peak_rate) == (800, 0.5, 2_000_000)
    [rural, specialist] = chart.sides
    assert points(rural.round_trip)[0][1] == MARGIN, "the highest there is"
    assert (specialist.round_trip, specialist.rows) == ("", ())


def test_a_good_line_does_not_look_like_a_wild_one() -> None:
    chart = chart_of(call(BOTH, [sample(10, round_trip=20, loss=0, up=20_000)]))
    assert (chart.peak_round_trip, chart.peak_loss, chart.peak_rate) == (200, 0.05, 100_000)


def test_a_line_breaks_where_nothing_is_known() -> None:
    early, late = (range(start, start + 60, 5) for start in (0, 600))
    rural = chart_of(call(BOTH, [sample(after) for after in (*early, *late)])).sides[0]
    assert rural.loss.count("M") == rural.rungs.count("M") == 2
    assert all(0 <= x <= WIDTH and MARGIN <= y <= HEIGHT - MARGIN for x, y in points(rural.loss))


def test_however_long_it_was_a_line_has_few_places_and_a_table_few_rows() -> None:
    long = [stay(RURAL, 0, 300), stay(SPECIALIST, 0, 300)]
    rural = chart_of(
        call(long, [sample(after, "480p" if after % 600 else "audio") for after in range(0, 18_000, 5)])
    ).sides[0]
    assert len(points(rural.loss)) <= PLACES
    assert len(rural.rows) == ROWS
    assert {row.rung for row in rural.rows} == {"audio"}, "each tells the worst of its time"


def test_bands_lie_where_the_time_was() -> None:
    cut = [stay(RURAL, 0, 5, Departure.LOST), stay(RURAL, 7.5, 20), stay(SPECIALIST, 0, 20)]
    rural, specialist = chart_of(call(cut, [sample(600, loss=0.2)])).sides
    assert rural.cuts == (Band(150, 75),)
    assert rural.weak == (Band(300, 7.5),)
    assert specialist.cuts == ()


def test_a_session_of_a_moment() -> None:
    moment = [stay(RURAL, 0, 0.01), stay(SPECIALIST, 0, 0.01)]
    chart = chart_of(call(moment, [sample(0)]))
    assert chart.call.length < timedelta(seconds=1)
    assert len(chart.sides[0].rows) == 1
