"""What a scanner types when it reads a card."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.errors import Invalid
from teleconsult.patients.models import AdministrativeGender
from teleconsult.patients.national_ids import NIR, QUEBEC, VIETNAM, NationalId
from teleconsult.patients.scanning import Card, number_on, read_card

TODAY = date(2026, 11, 22)
MALE, FEMALE, UNKNOWN = AdministrativeGender.MALE, AdministrativeGender.FEMALE, AdministrativeGender.UNKNOWN
HEADER = "IS01" + "0" * 22
JEANNE = Card(NationalId(NIR, "279035121518989"), "DE VINCIS", "JEANNE MARIE", FEMALE, date(1979, 3, 30), "63220")
HOA = Card(
    NationalId(VIETNAM, "001151000123"), "Nguyễn", "Thị Hoa", FEMALE, date(1951, 3, 14), address="Số 1, Ba Vì, Hà Nội"
)
HOA_S_CARD = "001151000123|123456789|Nguyễn Thị Hoa|14031951|Nữ|Số 1, Ba Vì, Hà Nội|01012021"


def ins(separator: str = "\x1d", **other: str) -> str:
    """Jeanne’s code, with `other` fields in place of hers."""
    fields = {"S1": "279035121518989", "S2": f"1.2.250.1.213.1.4.8{separator}", "S3": f"JEANNE MARIE{separator}"}
    fields |= {"S4": f"DE VINCIS{separator}", "S5": "F", "S6": "30-03-1979", "S7": "63220", **other}
    return HEADER + "".join(mark + value for mark, value in fields.items())


def refusal(code: str) -> str:
    with pytest.raises(Invalid) as refused:
        read_card(code, today=TODAY)
    return refused.value.fields["card"]


@pytest.mark.parametrize("separator", ["\x1d", "|", "^", "<GS>", ""])
def test_a_french_code_says_all_traits_however_its_fields_end(separator: str) -> None:
    assert read_card(ins(separator), today=TODAY) == JEANNE


def test_the_fields_of_a_french_code_come_in_any_order() -> None:
    head, last = ins().split("S4")
    family, rest = last.split("\x1d")
    assert read_card(f"{head}{rest}S4{family}", today=TODAY) == JEANNE


def test_a_birth_date_known_in_part_is_left_to_who_asks() -> None:
    assert read_card(ins(S6="00-00-1979"), today=TODAY).birth_date is None


@pytest.mark.parametrize(
    "damaged", [ins()[:45], ins(S1="279035121518988"), ins(S2="1.2.250.1.213.1.4.10\x1d"), ins(S4=""), HEADER]
)
def test_a_french_code_that_arrived_in_part_is_refused(damaged: str) -> None:
    """Nor are those of test numbers taken, which name another authority."""
    assert "not read whole" in refusal(damaged)


@pytest.mark.parametrize("more", ["", "||Nguyễn Văn An|Trần Thị Bình"])
def test_a_vietnamese_card_says_name_date_sex_and_address(more: str) -> None:
    assert read_card(HOA_S_CARD + more, today=TODAY) == HOA


def test_letters_in_two_parts_are_put_together() -> None:
    assert read_card(HOA_S_CARD.replace("ễ", "e\u0302\u0303"), today=TODAY).family == "Nguyễn"


@pytest.mark.parametrize("damaged", ["|||||||", HOA_S_CARD[3:], HOA_S_CARD.replace("Nguyễn Thị Hoa", "")])
def test_a_vietnamese_card_that_arrived_in_part_is_refused(damaged: str) -> None:
    assert "not read whole" in refusal(damaged)


@pytest.mark.parametrize(
    ("typed", "card"),
    [
        ("BELR51531414", Card(NationalId(QUEBEC, "BELR51531414"), gender=FEMALE, birth_date=date(1951, 3, 14))),
        ("GAGL 8005 0211", Card(NationalId(QUEBEC, "GAGL80050211"), gender=MALE, birth_date=date(1980, 5, 2))),
        ("ROYA26112111", Card(NationalId(QUEBEC, "ROYA26112111"), gender=MALE, birth_date=date(2026, 11, 21))),
        ("ROYA26112311", Card(NationalId(QUEBEC, "ROYA26112311"), gender=MALE, birth_date=date(1926, 11, 23))),
        ("ROYA80999911", Card(NationalId(QUEBEC, "ROYA80999911"), gender=FEMALE)),
        ("001151000123", Card(NationalId(VIETNAM, "001151000123"), gender=FEMALE)),
        ("2 51 03 75 056 001 48", Card(NationalId(NIR, "251037505600148"), gender=FEMALE, birth_place="75056")),
    ],
)
def test_a_number_alone_says_what_its_digits_say(typed: str, card: Card) -> None:
    assert read_card(typed, today=TODAY) == card


@pytest.mark.parametrize(
    "code", ["", "hello", "3017620422003", "]d2010340094", "P<CANGAGNE<<LUC<<<", "1|2|3", "9" * 2000]
)
def test_another_code_is_refused_in_a_sentence(code: str) -> None:
    assert "no card known here" in refusal(code)


@pytest.mark.parametrize(
    ("scanned", "number"), [(HOA_S_CARD, "001151000123"), (ins(), "279035121518989"), ("26123456", "26123456")]
)
def test_a_card_is_known_by_its_number(scanned: str, number: str) -> None:
    assert number_on(scanned, today=TODAY) == number


@given(st.text(max_size=200), st.sampled_from(["", HEADER, HEADER + "S1279035121518989S2", "001151000123|"]))
def test_whatever_arrives_is_read_or_refused(text: str, start: str) -> None:
    try:
        assert read_card(start + text, today=TODAY).number.value
    except Invalid as error:
        assert set(error.fields) == {"card"}
