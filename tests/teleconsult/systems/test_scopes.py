"""SMART scopes: read, narrowed, and asked for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.access.permissions import OF_CLIENT
from teleconsult.fhir.door import OFFERS, Interaction
from teleconsult.fhir.scoping import LETTER_OF
from teleconsult.systems.offering import OFFERED
from teleconsult.systems.scopes import LETTERS, BadScope, missing, narrowed, read_scopes, written

KINDS = st.sampled_from(["*", "Patient", "Observation", "Condition"])
WORDS = st.builds(
    lambda kind, letters: f"system/{kind}.{''.join(one for one in LETTERS if one in letters)}",
    KINDS,
    st.sets(st.sampled_from(LETTERS), min_size=1),
)
SCOPES = st.lists(WORDS, max_size=5).map(" ".join)


def narrow(asked: str, allowed: str) -> str:
    return written(narrowed(read_scopes(asked), read_scopes(allowed), OFFERED))


@pytest.mark.parametrize(
    ("asked", "allowed", "granted"),
    [
        ("system/*.rs", "system/*.rs", "system/*.rs"),
        ("system/*.cruds", "system/*.cruds", "system/*.crus"),
        ("system/*.cruds", "system/Patient.rs system/Goal.c", "system/Goal.c system/Patient.rs"),
        ("system/Observation.cruds", "system/*.rs", "system/Observation.rs"),
        ("system/Patient.cruds", "system/*.cruds", "system/Patient.rs"),
        ("system/Provenance.cruds", "system/*.cruds", "system/Provenance.rs"),
        ("system/Observation.r system/Observation.s", "system/*.rs", "system/Observation.rs"),
        ("system/*.rs system/Observation.r", "system/*.rs", "system/*.rs"),
        ("system/*.r system/Observation.c", "system/*.cr", "system/*.r system/Observation.c"),
        ("system/Observation.c", "system/*.rs", ""),
        ("system/Condition.r", "system/Observation.r", ""),
        ("system/Task.rs system/Unheard.rs", "system/*.cruds", ""),
        ("system/*.d", "system/*.cruds", ""),
        ("", "system/*.rs", ""),
    ],
)
def test_no_more_is_granted_than_asked_allowed_and_offered(asked: str, allowed: str, granted: str) -> None:
    assert narrow(asked, allowed) == granted


@given(SCOPES, SCOPES)
def test_what_is_granted_is_within_both(asked: str, allowed: str) -> None:
    granted = narrow(asked, allowed)
    needs = [(scope.kind, letter) for scope in read_scopes(granted) for letter in scope.letters]
    assert not list(missing(asked.split(), needs))
    assert not list(missing(allowed.split(), needs))
    assert narrow(granted, granted) == granted


@pytest.mark.parametrize(
    "word",
    [
        *("system/*.read", "user/*.rs", "patient/Observation.rs", "system/*.", "system/*.sr", "system/*.rr"),
        *("system/.rs", "system/observation.rs", "system/*.rs?code=1", "openid", "system/*", "SYSTEM/*.rs"),
    ],
)
def test_what_is_no_scope_of_a_systems_is_refused(word: str) -> None:
    with pytest.raises(BadScope, match="no scope"):
        read_scopes(f"system/*.rs {word}")


def test_what_is_missing_is_named_as_one_would_ask_for_it() -> None:
    needs = [("Observation", "r"), ("*", "r"), ("Patient", "c")]
    assert list(missing(["system/Observation.rs"], needs)) == ["system/*.r", "system/Patient.c"]
    assert not list(missing(["system/*.crs"], needs))


def test_every_interaction_has_a_letter() -> None:
    """One that has none is refused to every system: whoever adds it says here what it takes."""
    assert LETTER_OF.keys() == {one.value for one in Interaction}


def test_what_is_offered_is_what_a_system_may_do_at_all() -> None:
    assert {kind for kind, offers in OFFERS.items() if {offer.needs for offer in offers.values()} <= OF_CLIENT} == set(
        OFFERED
    )
    assert (OFFERED["Patient"], OFFERED["Observation"], OFFERED["Provenance"]) == ("rs", "crus", "rs")
