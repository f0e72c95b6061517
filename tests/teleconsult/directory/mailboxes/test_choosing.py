"""Which mailbox is written to: only ones that may be, the better kind first, and never a guess."""

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.directory.mailboxes.choosing import (
    Chosen,
    Correspondent,
    OpenChoice,
    choose_mailbox,
    is_usable,
)
from teleconsult.directory.mailboxes.models import Mailbox, MailboxType
from teleconsult.directory.mailboxes.numbers import person_number, structure_number

DOCTOR = Correspondent("Dr Hélène Tremblay", "10001234567", "540002698")
T = MailboxType


def box(address: str, type: MailboxType | None = T.PERSON, **more: Any) -> Mailbox:
    person = {"registration_number": DOCTOR.registration_number} if type in (T.PERSON, T.PRACTICE) else {}
    values = {"structure_number": DOCTOR.structure_number, "registration_number": "", "is_secure": True} | person | more
    return Mailbox(address=address, type=type, **{"is_active": True, "is_red_listed": False} | values)


APP, ORG = box("app@chu.mssante.fr", T.APPLICATION), box("neuro@chu.mssante.fr", T.ORGANISATION)
HERE = box("h.tremblay@chu.mssante.fr")
CARRIED = box("h.tremblay@pro.mssante.fr", structure_number="")
ELSEWHERE = box("h.tremblay@clinique.mssante.fr", structure_number="690012345")


def test_the_better_kind_comes_first_whatever_the_order() -> None:
    ranked = [APP, ORG, HERE, CARRIED]
    for first, best in enumerate(ranked):
        for order in itertools.permutations(ranked[first:]):
            assert choose_mailbox(DOCTOR, order) == Chosen(DOCTOR, best.address)


def test_two_of_the_best_kind_are_a_question_and_asked_once() -> None:
    other = box("urgences@chu.mssante.fr", T.ORGANISATION)
    asked = choose_mailbox(DOCTOR, [HERE, other, ORG])
    assert asked == OpenChoice(DOCTOR, (ORG, other))
    assert choose_mailbox(DOCTOR, [HERE, other, ORG], remembered=other.address) == Chosen(DOCTOR, other.address)
    gone = box(other.address, T.ORGANISATION, is_active=False)
    third = box("chir@chu.mssante.fr", T.ORGANISATION)
    assert choose_mailbox(DOCTOR, [gone, ORG, third], remembered=other.address) == OpenChoice(DOCTOR, (third, ORG))


def test_a_mailbox_at_another_structure_is_not_taken_for_granted() -> None:
    assert choose_mailbox(DOCTOR, [ELSEWHERE]) == OpenChoice(DOCTOR, (ELSEWHERE,))


def test_the_same_address_twice_is_one() -> None:
    twice = [box("cabinet@med.mssante.fr", T.PRACTICE), box("cabinet@med.mssante.fr")]
    assert choose_mailbox(DOCTOR, twice) == Chosen(DOCTOR, "cabinet@med.mssante.fr")


def test_what_was_picked_counts_while_it_may_be_written_to() -> None:
    picked = Correspondent("Dr Roy", DOCTOR.registration_number, "", HERE.address)
    assert choose_mailbox(picked, [CARRIED, HERE]) == Chosen(picked, HERE.address)
    red = box(HERE.address, is_red_listed=True)
    assert choose_mailbox(picked, [CARRIED, red]) == OpenChoice(picked, (CARRIED,))
    assert choose_mailbox(picked, []) == OpenChoice(picked, ())


def test_nobody_known_is_nobody() -> None:
    assert choose_mailbox(DOCTOR, []) is None
    assert choose_mailbox(Correspondent("?"), [APP, HERE, box("x@y.fr", T.APPLICATION, structure_number="")]) is None


boxes = st.builds(
    lambda name, type, secure, red, active, person, place: Mailbox(
        address=f"{name}@a.mssante.fr",
        type=type,
        is_secure=secure,
        is_red_listed=red,
        is_active=active,
        registration_number=person,
        structure_number=place,
    ),
    st.sampled_from("abcdef"),
    st.none() | st.sampled_from(MailboxType),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["", DOCTOR.registration_number, "10009999999"]),
    st.sampled_from(["", DOCTOR.structure_number, "690012345"]),
)
correspondents = st.builds(
    Correspondent,
    st.just("X"),
    st.sampled_from(["", DOCTOR.registration_number]),
    st.sampled_from(["", DOCTOR.structure_number]),
    st.sampled_from(["", "a@a.mssante.fr", "nobody@b.mssante.fr"]),
)


@given(correspondents, st.lists(boxes, max_size=8), st.sampled_from(["", "b@a.mssante.fr", "x@gmail.com"]))
def test_no_choice_is_a_guess(to: Correspondent, known: list[Mailbox], remembered: str) -> None:
    found = choose_mailbox(to, known, remembered=remembered)
    offered = (
        []
        if found is None
        else [found.address]
        if isinstance(found, Chosen)
        else [one.address for one in found.candidates]
    )
    for address in offered:
        assert any(
            one.address == address
            and is_usable(one)
            and (
                one.registration_number == to.registration_number != ""
                or (not one.registration_number and one.structure_number == to.structure_number != "")
            )
            for one in known
        )
    if to.address and isinstance(found, Chosen):
        assert found.address == to.address
    assert choose_mailbox(to, known[::-1], remembered=remembered) == found or isinstance(found, OpenChoice)


@given(correspondents, st.lists(boxes, max_size=8), boxes)
def test_what_may_not_be_written_to_changes_nothing(to: Correspondent, known: list[Mailbox], one: Mailbox) -> None:
    if not is_usable(one):
        assert choose_mailbox(to, [*known, one]) == choose_mailbox(to, known)


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("810003456789", "10003456789"),
        ("10003456789", "10003456789"),
        ("8 10003456789", "10003456789"),
        ("0123456789", "123456789"),
        ("2B1234567", "2B1234567"),
        ("710003456789", ""),
        ("1000345678", ""),
        ("x", ""),
        ("", ""),
    ],
)
def test_numbers_of_people_have_one_form(written: str, number: str) -> None:
    assert person_number(written) == number
    assert person_number(number) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [("1540002698", "540002698"), ("540002698", "540002698"), ("2A0000014", "2A0000014"), ("12A0000014", "2A0000014"),
     ("326750011600019", "26750011600019"), ("26750011600019", "26750011600019"), ("CHU", "")],
)  # fmt: skip
def test_numbers_of_structures_have_one_form(written: str, number: str) -> None:
    assert structure_number(written) == number
