"""What a session comes to, reckoned from stays and samples."""

import uuid
from collections.abc import Sequence
from datetime import timedelta

from teleconsult.encounters.attendance import Stay
from teleconsult.encounters.call_models import Departure
from teleconsult.encounters.models import EncounterParticipant
from teleconsult.encounters.quality import Sample
from teleconsult.encounters.queries import Seat
from teleconsult.encounters.summing import Call, Step, is_weak, summed
from tests.teleconsult.encounters.test_attendance import span
from tests.teleconsult.encounters.test_quality import NOON, sample

RURAL, SPECIALIST = uuid.uuid4(), uuid.uuid4()
SEATS = (
    Seat(EncounterParticipant(id=RURAL), "Hélène Tremblay", "requester"),
    Seat(EncounterParticipant(id=SPECIALIST), "Nguyễn Thị Minh", "specialist"),
)


def stay(who: uuid.UUID, start: float, end: float, how: Departure | None = Departure.LEFT) -> Stay:
    return Stay(who, span(start, end), how)


def call(stays: Sequence[Stay], samples: Sequence[Sample] = ()) -> Call:
    """With samples of the rural side."""
    found = summed(uuid.uuid4(), SEATS, stays, {RURAL: samples})
    assert found is not None
    return found


def test_who_never_met_had_no_call() -> None:
    assert summed(uuid.uuid4(), SEATS, [stay(RURAL, 0, 10), stay(SPECIALIST, 11, 20)], {}) is None
    assert summed(uuid.uuid4(), SEATS[:1], [stay(RURAL, 0, 10)], {}) is None


def test_it_is_as_long_as_both_were_there() -> None:
    found = call([stay(RURAL, 0, 5, Departure.LOST), stay(RURAL, 5.5, 24.5), stay(SPECIALIST, 1, 30)])
    assert found.span == span(1, 24.5)
    assert found.length == timedelta(minutes=23)
    assert found.interruptions == [span(5, 5.5)]
    assert [len(side.interruptions) for side in found.sides] == [1, 0]


def test_who_left_for_a_while_was_not_cut_off() -> None:
    found = call([stay(RURAL, 0, 5), stay(RURAL, 10, 20), stay(SPECIALIST, 0, 20)])
    assert found.interruptions == []
    assert found.length == timedelta(minutes=15)


def test_one_moment_lost_by_both_is_one_interruption() -> None:
    found = call(
        [
            *(stay(RURAL, 0, 5, Departure.LOST), stay(RURAL, 5.5, 20)),
            *(stay(SPECIALIST, 0, 5.1, Departure.LOST), stay(SPECIALIST, 5.3, 20)),
        ]
    )
    assert found.interruptions == [span(5, 5.5)]


def test_a_server_that_was_away_while_both_talked_on_interrupted_nothing() -> None:
    stays = [
        *(stay(RURAL, 0, 5, Departure.LOST), stay(RURAL, 5.1, 20)),
        *(stay(SPECIALIST, 0, 5, Departure.LOST), stay(SPECIALIST, 5.1, 20)),
    ]
    for silent, cuts in ((0.5, []), (6.0, [span(5, 5.1)])):
        heard = {who: [sample(298), sample(308, silent=silent)] for who in (RURAL, SPECIALIST)}
        found = summed(uuid.uuid4(), SEATS, stays, heard)
        assert found is not None
        assert [cut.start for cut in found.interruptions] == [cut.start for cut in cuts]


def test_sound_that_did_not_arrive_is_an_interruption() -> None:
    both = [stay(RURAL, 0, 10), stay(SPECIALIST, 0, 10)]
    samples = [sample(5, silent=4.0), sample(60, silent=1.0), sample(120, silent=3.0), sample(125, silent=5.0)]
    found = call(both, samples)
    assert found.interruptions == [span(117 / 60, 125 / 60)], "connecting is none, and two that touch are one"


def test_what_was_sent_and_for_how_long() -> None:
    both = [stay(RURAL, 0, 1), stay(SPECIALIST, 0, 1)]
    samples = [
        sample(0),
        sample(5, "360p", "weak"),
        sample(10, "stills", "weak"),
        sample(15, "audio", "weak"),
        sample(20, "audio", "chosen"),
        sample(25, "480p", "fine", loss=0.06),
        sample(50),
        sample(70),
    ]
    [rural, _] = call(both, samples).sides
    lengths = [part.total_seconds() for part in (rural.video, rural.pictures, rural.sound, rural.weak)]
    assert lengths == [10 + 15 + 10, 5, 10, 10 + 15], "none speaks for more than 15 seconds, nor beyond the end"
    assert rural.steps[0] == Step(NOON + timedelta(seconds=5), "480p", "360p", "weak")
    assert [step.after for step in rural.steps] == ["360p", "stills", "audio", "480p"]
    assert rural.round_trip == 84
    assert rural.loss is not None
    assert 0.012 < rural.loss < 0.02


def test_weak_is_what_a_link_does_and_not_what_a_person_chose() -> None:
    assert not is_weak(sample(rung="audio", why="chosen"))
    assert not is_weak(sample(rung="240p", why="opening"))
    assert not is_weak(sample(rung="360p", why="weak"))
    assert is_weak(sample(rung="240p", why="weak"))
    assert all(is_weak(sample(**figure)) for figure in ({"loss": 0.05}, {"concealed": 0.1}, {"round_trip": 700}))
