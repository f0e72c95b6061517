"""A choice of entries: what was done by hand outlives every suggestion."""

import json
import uuid

from teleconsult.directory.models import Specialty
from teleconsult.excerpts.selection import Selection

A, B, C, D = (uuid.UUID(int=number) for number in range(1, 5))
BEGUN = Selection().suggesting(None, [A, B])


def test_the_suggestion_is_chosen_until_somebody_chooses() -> None:
    assert BEGUN.chosen == {A, B}
    assert BEGUN.changes == 0
    assert BEGUN.suggesting(Specialty.TRAUMA, [C]).chosen == {C}


def test_what_was_ticked_and_unticked_stays_so() -> None:
    by_hand = BEGUN.ticked([B, D], shown=None)
    assert (by_hand.chosen, by_hand.changes) == ({B, D}, 2)
    neurology = by_hand.suggesting(Specialty.NEUROLOGY, [A, C])
    assert neurology.chosen == {C, D}
    assert neurology.changes == 2
    trauma = neurology.ticked([C, D], shown=Specialty.NEUROLOGY).suggesting(Specialty.TRAUMA, [A, B])
    assert trauma.chosen == {B, D}, "A was unticked for the first of them, D ticked"


def test_what_was_ticked_by_hand_outlives_a_suggestion_that_has_it_too() -> None:
    by_hand = BEGUN.ticked([A, B, C], shown=None).suggesting(Specialty.NEUROLOGY, [C])
    assert by_hand.ticked([C], shown=Specialty.NEUROLOGY).suggesting(Specialty.TRAUMA, [D]).chosen == {C, D}


def test_a_page_that_comes_back_late_speaks_of_what_it_showed() -> None:
    switched = BEGUN.suggesting(Specialty.NEUROLOGY, [C])
    late = switched.ticked([A, B, D], shown=None)
    assert late.chosen == {C, D}, "nobody ticked A and B, nobody unticked C"


def test_a_hand_may_change_its_mind() -> None:
    back = BEGUN.ticked([B], shown=None).ticked([A, B], shown=None)
    assert (back.chosen, back.changes) == ({A, B}, 0)


def test_the_suggestion_can_be_taken_again() -> None:
    assert BEGUN.ticked([D], shown=None).as_suggested() == BEGUN


def test_it_is_kept_as_json() -> None:
    whole = BEGUN.ticked([B, D], shown=None).suggesting(Specialty.NEUROLOGY, [C])
    assert Selection.from_json(json.loads(json.dumps(whole.to_json()))) == whole
