"""What is said of a session that was held."""

from datetime import timedelta

import pytest

from teleconsult.encounters.call_models import Departure
from teleconsult.encounters.quality import RUNGS, WHYS
from teleconsult.scheduling.attending import Missed
from tests.teleconsult.encounters.test_quality import sample
from tests.teleconsult.encounters.test_summing import RURAL, SPECIALIST, call, stay
from web.call_words import RUNG_NAMES, WHY_NAMES, call_in_words, length_in_words, missed_in_words
from web.i18n import using_locale


@pytest.mark.parametrize(
    ("seconds", "words"), [(14, "14 s"), (59.6, "1 min"), (1380, "23 min"), (3600, "1 h 0 min"), (5400, "1 h 30 min")]
)
def test_lengths(seconds: float, words: str) -> None:
    with using_locale("en"):
        assert length_in_words(timedelta(seconds=seconds)) == words


def test_the_words_come_first() -> None:
    stays = [
        *(stay(RURAL, 0, 5, Departure.LOST), stay(RURAL, 5.1, 10, Departure.LOST), stay(RURAL, 10.15, 23.15)),
        stay(SPECIALIST, 0, 30),
    ]
    weak = [sample(after, "240p", "weak") for after in range(0, 360, 5)]
    with using_locale("en"):
        assert call_in_words(call(stays, weak)) == [
            "Held for 23 min.",
            "2 interruptions, 15 s in all.",
            "The link of Hélène Tremblay was weak for 6 min.",
        ]
        assert call_in_words(call([stay(RURAL, 0, 5), stay(SPECIALIST, 0, 5)])) == [
            "Held for 5 min.",
            "No interruption.",
        ]


def test_every_word_of_the_wire_has_a_name() -> None:
    assert RUNG_NAMES.keys() == set(RUNGS)
    assert WHY_NAMES.keys() == set(WHYS)
    with using_locale("en"):
        assert all(missed_in_words(why) for why in Missed)
        assert not missed_in_words("")
