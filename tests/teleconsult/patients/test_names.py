"""Folding names and numbers."""

import pytest

from teleconsult.patients.names import fold, fold_number


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Bélanger", "belanger"),
        ("ĐẶNG Thị Nguyễn", "dang thi nguyen"),
        ("L’Heureux-St-Onge", "l heureux st onge"),
        ("Nguye\u0302\u0303n", "nguyen"),
        ("Bjørn Łukasz", "bjorn lukasz"),
        ("Cœur  de\tLion", "coeur de lion"),
        ("Straße", "strasse"),
        ("  ", ""),
        ("…", ""),
    ],
)
def test_names_lose_accents_case_and_punctuation(name: str, folded: str) -> None:
    assert fold(name) == folded


def test_numbers_lose_what_stands_between() -> None:
    assert fold_number(" treh 5811-2213 ") == "TREH58112213"
