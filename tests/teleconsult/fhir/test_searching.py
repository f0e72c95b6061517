"""FHIR's search parameters: dates of any precision, references of a few types."""

import uuid
from datetime import UTC, datetime

import pytest

from teleconsult.fhir.searching import Position, TokenValue, alternatives, both, extent_of, id_of, period_of, token_of


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]  # year, month, day and so on


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("2026", at(2026, 1, 1), at(2027, 1, 1)),
        ("2026-12", at(2026, 12, 1), at(2027, 1, 1)),
        ("eq2026-02-28", at(2026, 2, 28), at(2026, 3, 1)),
        ("ge2026-11", at(2026, 11, 1), None),
        ("gt2026-11", at(2026, 12, 1), None),
        ("le2026-11-22", None, at(2026, 11, 23)),
        ("lt2026-11-22", None, at(2026, 11, 22)),
        ("sa2026", at(2027, 1, 1), None),
        ("eb2026", None, at(2026, 1, 1)),
        ("2026-11-22T05:06Z", at(2026, 11, 22, 5, 6), at(2026, 11, 22, 5, 7)),
        ("ge2026-11-22T05:06:07+02:00", at(2026, 11, 22, 3, 6, 7), None),
    ],
)
def test_a_date_is_a_period(text: str, since: datetime | None, until: datetime | None) -> None:
    assert period_of(text) == (since, until)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "ne2026", "ap2026", "2026-13", "2026-02-30", "26-01-01", "2026-11-22Tx", "9999-12-31"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises((ValueError, OverflowError)):
        period_of(text)


def test_two_periods_narrow_twice() -> None:
    assert both(period_of("ge2026-01"), period_of("lt2026-03")) == (at(2026, 1, 1), at(2026, 3, 1))
    assert both((None, None), period_of("2026")) == period_of("2026")


def test_references() -> None:
    id_ = uuid.uuid4()
    assert id_of(f"Patient/{id_}", "Patient") == ("Patient", id_)
    assert id_of(str(id_), "PractitionerRole", "Practitioner") == ("PractitionerRole", id_)
    for wrong in (f"Group/{id_}", "Patient/1", "", f"https://elsewhere.test/Patient/{id_}"):
        with pytest.raises(ValueError, match=r"."):
            id_of(wrong, "Patient")


def test_tokens_and_alternatives() -> None:
    assert token_of("http://loinc.org|1-8") == TokenValue("http://loinc.org", "1-8")
    assert token_of("1-8") == TokenValue(None, "1-8")
    assert token_of("|1-8") == TokenValue("", "1-8")
    assert token_of("urn:a|") == TokenValue("urn:a", "")
    for nothing in ("", "|"):
        with pytest.raises(ValueError, match="neither"):
            token_of(nothing)
    assert alternatives(r"a,b\,c,,d") == ["a", r"b\,c", "d"]
    assert token_of(r"b\,c").code == "b,c"


def test_a_position_comes_back_as_it_went() -> None:
    moment, id_ = datetime(2026, 11, 22, 8, 30, 1, 5, tzinfo=UTC), uuid.uuid4()
    position = Position.at(moment, id_)
    assert Position.parse(str(position)) == position
    assert position.moment == moment
    named = Position("N 12", id_)
    assert Position.parse(str(named)) == named
    with pytest.raises(ValueError, match="isoformat"):
        _ = named.moment
    for odd in ("", "x", "é", "MjAyNg=="):
        with pytest.raises(ValueError, match=r"."):
            Position.parse(odd)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("2026-11-22T10:00Z", 60),
        ("2026-11-22T10:00:00+02:00", 1),
        ("2026-11-22T10:00-05:00", 60),
        ("2026-11-22", 86400),
    ],
)
def test_a_date_covers_what_it_does_not_say(value: str, seconds: int) -> None:
    _prefix, begins, ends = extent_of(f"ge{value}")
    assert (ends - begins).total_seconds() == seconds
