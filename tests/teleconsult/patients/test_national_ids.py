"""National numbers: which are ones, and what they say of who carries them."""

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.patients.models import AdministrativeGender
from teleconsult.patients.national_ids import (
    NIA,
    NIR,
    QUEBEC,
    VIETNAM,
    Doubt,
    NationalId,
    Traits,
    doubts,
    read_national_id,
)

ROSE = Traits("Bélanger", "Rose", AdministrativeGender.FEMALE, date(1951, 3, 14), "75056")


@pytest.mark.parametrize(
    ("typed", "system"),
    [
        ("2 55 08 14 168 025 38", NIR),
        ("255081416802538", NIR),
        ("1 89 05 2A 031 004 42", NIR),
        ("1 89 05 2B 031 004 69", NIR),
        ("7 55 08 14 168 025 79", NIA),
        ("belr 5153 1414", QUEBEC),
        ("001 151 000123", VIETNAM),
    ],
)
def test_a_number_tells_who_gave_it(typed: str, system: str) -> None:
    found = read_national_id(typed)
    assert found is not None and found.system == system


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "255081416802539",
        "955081416802538",
        "2550814168025",
        "189052C03100442",
        "BEL 5153 1414",
        "123456789012",
        "ABCD٠٠٠٠٠٠٠٠",
        "x",
    ],
)
def test_what_is_no_number_is_none(typed: str) -> None:
    assert read_national_id(typed) is None


@given(st.from_regex(r"[12][0-9]{12}", fullmatch=True), st.integers(1, 12), st.sampled_from("0123456789"))
def test_one_wrong_digit_is_noticed(digits: str, place: int, digit: str) -> None:
    """The key finds every single mistake, and every pair of neighbours in the wrong order."""
    key = f"{97 - int(digits) % 97:02}"
    assert read_national_id(digits + key)
    wrong = digits[:place] + digit + digits[place + 1 :]
    assert (read_national_id(wrong + key) is None) is (wrong != digits)
    swapped = digits[: place - 1] + digits[place] + digits[place - 1] + digits[place + 1 :]
    assert (read_national_id(swapped + key) is None) is (swapped != digits)


@pytest.mark.parametrize(
    ("system", "value"),
    [(NIR, "251037505600148"), (QUEBEC, "BELR51531414"), (VIETNAM, "001151000123"), ("urn:oid:1.2", "X")],
)
def test_nobody_is_doubted_whose_traits_agree(system: str, value: str) -> None:
    assert doubts(NationalId(system, value), ROSE) == []
    nothing_known = Traits("Bélanger", "Rose", AdministrativeGender.UNKNOWN)
    assert doubts(NationalId(system, value), nothing_known) == []


@pytest.mark.parametrize(
    ("system", "value", "changed", "doubted"),
    [
        (NIR, "251037505600148", {"gender": AdministrativeGender.MALE}, [Doubt.GENDER]),
        (NIR, "251037505600148", {"birth_date": date(1951, 4, 14)}, [Doubt.BIRTH_DATE]),
        (NIR, "251317505600111", {}, []),
        (NIR, "251037505600148", {"birth_place": "2A004"}, [Doubt.BIRTH_PLACE]),
        (NIR, "251037505600148", {"birth_place": "Paris"}, []),
        (QUEBEC, "BELR51531414", {"family": "Roy"}, [Doubt.NAME]),
        (QUEBEC, "BELR51531414", {"gender": AdministrativeGender.MALE}, [Doubt.GENDER]),
        (QUEBEC, "BELR51031414", {}, [Doubt.GENDER]),
        (QUEBEC, "BELR51531414", {"birth_date": date(1951, 3, 15)}, [Doubt.BIRTH_DATE]),
        (VIETNAM, "001151000123", {"gender": AdministrativeGender.MALE}, [Doubt.GENDER]),
        (VIETNAM, "001351000123", {}, [Doubt.BIRTH_DATE]),
    ],
)
def test_what_a_number_says_otherwise_is_doubted(
    system: str, value: str, changed: dict[str, object], doubted: list[Doubt]
) -> None:
    traits = replace(ROSE, **changed)  # type: ignore[arg-type]  # fields of several kinds in one table
    assert doubts(NationalId(system, value), traits) == doubted


def test_short_family_names_are_filled_up() -> None:
    ng = Traits("Ng", "An", AdministrativeGender.MALE, date(2001, 12, 5))
    assert doubts(NationalId(QUEBEC, "NGXA01120511"), ng) == []


def test_the_strict_traits_are_five() -> None:
    assert ROSE.are_strict
    for missing in (
        {"family": " "},
        {"given": ""},
        {"gender": AdministrativeGender.UNKNOWN},
        {"birth_date": None},
        {"birth_place": " "},
    ):
        assert not replace(ROSE, **missing).are_strict  # type: ignore[arg-type]  # fields of several kinds in one table
