"""What is kept of a provider's claims: what Pro Santé Connect says of a profession, whatever else comes along."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.accounts.professions import (
    LONGEST,
    MOST_ACTIVITIES,
    profession_of,
    registration_number_of,
)
from tests.forging_provider import PSC_USERINFO

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def test_what_pro_sante_connect_says() -> None:
    profession = profession_of(PSC_USERINFO | {"acr": "eidas1"})
    assert profession == {
        "name": "HELENE TREMBLAY",
        "national_id": "899900000017",
        "acr": "eidas1",
        "activities": [
            {
                "profession": "10",
                "specialty": "SM26",
                "place": "CENTRE DE SANTE DE L'ANSE",
                "place_id": "R81311",
                "sector": "SA07",
                "mode": "S",
                "role": "",
            }
        ],
    }


@pytest.mark.parametrize(
    ("national_id", "number"),
    [
        ("899900000017", "99900000017"),
        ("0123456789", "123456789"),
        ("99900000017", ""),
        ("8999000000170", ""),
        ("89990000001x", ""),
        ("399900000017", ""),
        ("", ""),
    ],
)
def test_the_number_in_the_directory(national_id: str, number: str) -> None:
    assert registration_number_of({"national_id": national_id}) == number


def test_the_user_name_where_there_is_no_national_id() -> None:
    assert profession_of({"preferred_username": "899900000017"})["national_id"] == "899900000017"


def test_a_practice_without_a_place() -> None:
    (activity,) = profession_of({"SubjectRefPro": {"exercices": [{"codeProfession": "60"}]}})["activities"]
    assert (activity["profession"], activity["place"]) == ("60", "")


def test_much_is_cut() -> None:
    practice = {"activities": [{"raisonSocialeSite": "x\n" * 5000}] * 500}
    activities = profession_of({"SubjectRefPro": {"exercices": [practice] * 5}})["activities"]
    assert len(activities) == MOST_ACTIVITIES
    assert activities[0]["place"] == "x" * LONGEST


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(PSC_USERINFO, ANYTHING)))
def test_whatever_comes_it_can_be_kept(claims: dict[str, object]) -> None:
    profession = profession_of(claims)
    assert registration_number_of(profession).isalnum() or not registration_number_of(profession)


@given(ANYTHING, ANYTHING)
def test_whatever_the_directory_part_holds(practice: object, place: object) -> None:
    profession_of({"SubjectRefPro": {"exercices": [practice, {"activities": [place]}]}})
