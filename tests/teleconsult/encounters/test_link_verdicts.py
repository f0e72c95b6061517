"""What a measured link will carry, one threshold after the other."""

import itertools
import math

import pytest

from teleconsult.encounters.link_models import LinkVerdict, Way
from teleconsult.encounters.link_verdicts import THRESHOLDS, Figures, OpeningRung, rung_for, verdict_on
from teleconsult.errors import Invalid

DIRECT = (Way.DIRECT,)


def figures(kbps: float, *, loss: float = 0, round_trip: float = 50, down: float | None = None) -> Figures:
    """Of a link that carries so much both ways, unless `down` says otherwise."""
    return Figures(
        round_trip=round_trip,
        loss=loss,
        uplink=kbps * 1000,
        downlink=(kbps if down is None else down) * 1000,
        ways=DIRECT,
    )


@pytest.mark.parametrize(
    ("measured", "rung", "verdict"),
    [
        (figures(5_000), OpeningRung.P480, LinkVerdict.VIDEO),
        (figures(700), OpeningRung.P480, LinkVerdict.VIDEO),
        (figures(699), OpeningRung.P360, LinkVerdict.VIDEO),
        (figures(299), OpeningRung.P240, LinkVerdict.VIDEO),
        (figures(149), OpeningRung.STILLS, LinkVerdict.PICTURES),
        (figures(79), OpeningRung.AUDIO, LinkVerdict.SOUND),
        (figures(29), OpeningRung.NONE, LinkVerdict.WRITE),
        (figures(5_000, down=100), OpeningRung.STILLS, LinkVerdict.PICTURES),
        (figures(5_000, loss=0.03), OpeningRung.P240, LinkVerdict.VIDEO),
        (figures(5_000, loss=0.08), OpeningRung.STILLS, LinkVerdict.PICTURES),
        (figures(5_000, loss=0.2), OpeningRung.AUDIO, LinkVerdict.SOUND),
        (figures(5_000, loss=0.3), OpeningRung.NONE, LinkVerdict.WRITE),
        (figures(5_000, round_trip=400), OpeningRung.P360, LinkVerdict.VIDEO),
        (figures(5_000, round_trip=700), OpeningRung.P240, LinkVerdict.VIDEO),
        (figures(5_000, round_trip=3_000), OpeningRung.AUDIO, LinkVerdict.SOUND),
        (Figures(ways=DIRECT), OpeningRung.P480, LinkVerdict.VIDEO),
        (Figures(uplink=5_000_000), OpeningRung.NONE, LinkVerdict.WRITE),
    ],
)
def test_the_best_rung_all_of_whose_thresholds_hold(measured: Figures, rung: OpeningRung, verdict: LinkVerdict) -> None:
    assert rung_for(measured) is rung
    assert verdict_on(measured) is verdict


def test_the_table_goes_from_the_best_to_the_worst() -> None:
    assert [one.rung for one in THRESHOLDS] == [rung for rung in OpeningRung if rung is not OpeningRung.NONE]
    for better, worse in itertools.pairwise(THRESHOLDS):
        assert better.rate > worse.rate
        assert better.loss <= worse.loss
        assert better.round_trip < worse.round_trip


@pytest.mark.parametrize(
    "wrong",
    [
        {"round_trip": -1},
        {"jitter": 60_001},
        {"loss": 1.01},
        {"loss": math.nan},
        {"uplink": math.inf},
        {"downlink": 3e9},
        {"ways": DIRECT, "blocked_ways": DIRECT},
    ],
)
def test_figures_that_no_link_has_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        Figures(**wrong)  # type: ignore[arg-type]  # each wrong in its own way
