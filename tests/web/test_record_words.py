"""Dates of a patient's file as its reader writes them."""

import pytest

from teleconsult.records.reading import Label, Line
from web.i18n import using_locale
from web.record_words import dates_in_words, line_text


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1951-03-14", "14 mars 1951"),
        ("2019-11", "nov. 2019"),
        ("2019", "2019"),
        ("2019-02-30", "2019-02-30"),
        ("2019-11 – 2021", "nov. 2019 – 2021"),
        ("", ""),
    ],
)
def test_a_fhir_date_is_read_as_far_as_it_goes(text: str, words: str) -> None:
    with using_locale("fr"):
        assert dates_in_words(text) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("2024-03-01 → 2024-03-08", "1 mars 2024 – 8 mars 2024"),
        ("2024-03-01", "1 mars 2024"),
        ("2024 →", "début\N{NO-BREAK SPACE}: 2024"),
        ("→ 2024-03", "… – mars 2024"),
        ("", ""),
    ],
)
def test_a_period_is_told_in_words(text: str, words: str) -> None:
    with using_locale("fr"):
        assert line_text(Line(Label.PERIOD, text)) == words
