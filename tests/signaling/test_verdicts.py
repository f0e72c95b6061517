"""What a session over a measured link will be, and the rung it opens at."""

import math

import pytest

from signaling.ladder import OPENING, RUNGS
from signaling.verdicts import WORDS, opening_of, opening_rung, verdict_on
from teleconsult.db import Sessions, transaction
from teleconsult.encounters.link_checks import keep_link_check, own_seat
from teleconsult.encounters.link_figures import Devices, Figures
from teleconsult.encounters.link_models import LinkVerdict, Way
from teleconsult.errors import Invalid
from tests import consult_steps
from tests.people import Cast

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
        (figures(5_000), "hd", LinkVerdict.VIDEO),
        (figures(1_799), "480p", LinkVerdict.VIDEO),
        (figures(699), "360p", LinkVerdict.VIDEO),
        (figures(299), "240p", LinkVerdict.VIDEO),
        (figures(109), "stills", LinkVerdict.PICTURES),
        (figures(59), "audio", LinkVerdict.SOUND),
        (figures(29), "audio", LinkVerdict.WRITE),
        (figures(5_000, down=100), "stills", LinkVerdict.PICTURES),
        (figures(5_000, loss=0.04), "360p", LinkVerdict.VIDEO),
        (figures(5_000, loss=0.1), "stills", LinkVerdict.PICTURES),
        (figures(5_000, loss=0.25), "audio", LinkVerdict.SOUND),
        (figures(5_000, loss=0.31), "audio", LinkVerdict.WRITE),
        (figures(5_000, round_trip=700), "240p", LinkVerdict.VIDEO),
        (figures(5_000, round_trip=2_000), "stills", LinkVerdict.PICTURES),
        (figures(5_000, round_trip=4_001), "stills", LinkVerdict.WRITE),
        (Figures(ways=DIRECT), "hd", LinkVerdict.VIDEO),
        (Figures(uplink=5_000_000), "hd", LinkVerdict.WRITE),
    ],
)
def test_what_both_directions_hold(measured: Figures, rung: str, verdict: LinkVerdict) -> None:
    assert opening_rung(measured) == rung
    assert verdict_on(measured) is verdict


def test_every_rung_has_a_word() -> None:
    assert [rung.name for rung in RUNGS] == list(WORDS)


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


async def test_a_session_opens_as_its_check_said_and_in_the_middle_without_one(cast: Cast, sessions: Sessions) -> None:
    consult = await consult_steps.booked(cast, sessions)
    async with transaction(sessions, cast.rural) as session:
        seat = await own_seat(session, cast.rural, consult.id)
        assert await opening_of(session, seat.participant_id) == OPENING
        await keep_link_check(
            session,
            cast.rural,
            consult_id=consult.id,
            figures=figures(90),
            devices=Devices(camera=True, microphone=True, speaker=None),
            verdict=LinkVerdict.PICTURES,
        )
        assert await opening_of(session, seat.participant_id) == "stills"
