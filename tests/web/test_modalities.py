"""Which modalities a doctor is told of."""

import pytest

from web.modalities import modality_names


@pytest.mark.parametrize(
    ("modalities", "said"),
    [(["CT", "MR"], "CT, MR"), (["CT", "SR", "KO"], "CT"), (["DOC", "XC"], ""), ([], "")],
)
def test_the_codes_that_doctors_use_are_said(modalities: list[str], said: str) -> None:
    assert modality_names(modalities) == said
