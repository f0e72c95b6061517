"""Birth dates as people write them, and ages."""

from datetime import date

import pytest

from teleconsult.patients.birth_dates import Age, AgeUnit, age_on, find_birth_date

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    "text",
    [
        "1951-03-14",
        "1951/3/14",
        "14/03/1951",
        "14.3.1951",
        "14-03-1951",
        "14 03 1951",
        "19510314",
        "14 mars 1951",
        "14 March 1951",
        "14 MARS 1951",
        "14 tháng 3 năm 1951",
        "14 tháng 3 1951",
    ],
)
def test_a_date_is_found_however_it_is_written(text: str) -> None:
    assert find_birth_date(f"Bélanger {text}", today=TODAY)[0] == date(1951, 3, 14)


@pytest.mark.parametrize(("text", "day"), [("1er août 2001", date(2001, 8, 1)), ("2 févr 1960", date(1960, 2, 2))])
def test_months_have_french_names(text: str, day: date) -> None:
    assert find_birth_date(text, today=TODAY) == (day, "")


@pytest.mark.parametrize(
    "text",
    ["", "Bélanger", "31/02/1951", "2027-01-01", "1850-01-01", "14 brumaire 1951", "12345678", "14 0 1951", "9" * 300],
)
def test_what_is_no_birth_date_stays_text(text: str) -> None:
    assert find_birth_date(text, today=TODAY) == (None, text)


def test_the_rest_of_the_text_remains() -> None:
    assert find_birth_date("Bélanger 1951-03-14 Rose", today=TODAY)[1].split() == ["Bélanger", "Rose"]


@pytest.mark.parametrize(
    ("born", "age"),
    [
        (date(2026, 11, 22), Age(0, AgeUnit.DAYS)),
        (date(2026, 11, 1), Age(21, AgeUnit.DAYS)),
        (date(2026, 10, 22), Age(1, AgeUnit.MONTHS)),
        (date(2024, 11, 23), Age(23, AgeUnit.MONTHS)),
        (date(2024, 11, 22), Age(2, AgeUnit.YEARS)),
        (date(1951, 11, 23), Age(74, AgeUnit.YEARS)),
    ],
)
def test_an_age_is_said_in_the_unit_people_use(born: date, age: Age) -> None:
    assert age_on(TODAY, born) == age


def test_an_unknown_person_has_an_estimated_age_or_none() -> None:
    assert age_on(TODAY, None, 1986) == Age(40, AgeUnit.YEARS, is_estimated=True)
    assert age_on(TODAY, None) is None
