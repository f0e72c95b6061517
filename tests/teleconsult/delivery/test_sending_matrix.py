"""The table of who may be mailed a document, over all of its 128 combinations."""

from itertools import product

import pytest

from teleconsult.delivery.sending_matrix import Exchange, Marks, exchange_of
from teleconsult.errors import Refused


def found(marks: Marks) -> Exchange | None:
    try:
        return exchange_of(marks)
    except Refused:
        return None


def test_what_is_listed_and_nothing_else() -> None:
    every = [Marks(*values) for values in product((False, True), repeat=7)]
    listed = [(marks, exchange) for marks in every if (exchange := found(marks))]
    assert len(listed) == 2 + 4 + 4
    for marks, exchange in listed:
        assert not marks.secret_connection
        assert marks.to_patient is (exchange is not Exchange.PROFESSIONALS)
        assert marks.to_professionals is (exchange is not Exchange.PATIENT)
        assert not (marks.to_patient and marks.invisible_to_patient)
        assert not (exchange is Exchange.BOTH and marks.hidden_from_professionals)


@pytest.mark.parametrize(
    ("marks", "exchange"),
    [
        (Marks(to_professionals=True, to_patient=True), Exchange.BOTH),
        (Marks(to_professionals=True, to_patient=True, to_record=True), Exchange.BOTH),
        (Marks(to_professionals=True, invisible_to_patient=True), Exchange.PROFESSIONALS),
        (Marks(to_patient=True, invisible_to_guardians=True), Exchange.PATIENT),
    ],
)
def test_the_usual_ones(marks: Marks, exchange: Exchange) -> None:
    assert exchange_of(marks) is exchange


@pytest.mark.parametrize(
    "marks",
    [
        Marks(to_patient=True, invisible_to_patient=True),
        Marks(to_patient=True, to_record=True),
        Marks(to_professionals=True, to_patient=True, hidden_from_professionals=True),
        Marks(to_professionals=True, to_patient=True, secret_connection=True),
        Marks(),
    ],
)
def test_what_is_not_listed_is_refused(marks: Marks) -> None:
    with pytest.raises(Refused):
        exchange_of(marks)
