"""The table that is taken away: what a cell may hold, whatever somebody called themselves."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from teleconsult.audit.exporting import harmless, table


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "  =1", "|calc", "%0a=1", "\n=1"])
def test_no_cell_is_a_formula(cell: str) -> None:
    assert harmless(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["", "Dr Hélène Tremblay", "a=b", "2026-11-22T05:00:00.000+00:00", "192.0.2.7"])
def test_other_words_stay_as_they_are(cell: str) -> None:
    assert harmless(cell) == cell


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0\r")), min_size=2, max_size=2)))
def test_every_cell_comes_back(rows: list[list[str]]) -> None:
    read = list(csv.reader(io.StringIO(table(rows).decode(), newline="")))
    assert read == [[harmless(cell) for cell in row] for row in rows]
