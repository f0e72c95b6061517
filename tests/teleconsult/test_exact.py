"""Decimals that stay as they were written."""

import copy
import json
import math
import pickle

import pytest

from teleconsult.exact import Exact, read_exact, read_strictly, write_exact, write_for_database

WRITTEN = '{"a":1.50,"b":[0.10,-0.0,2,1e2,1.00E-3],"c":3.141592653589793238462643,"d":"é","e":{"f":100.000}}'


def test_what_is_read_is_written_again() -> None:
    assert write_exact(read_exact(WRITTEN)).decode() == WRITTEN
    assert write_exact(read_strictly(WRITTEN.encode())).decode() == WRITTEN
    assert write_for_database(read_exact(WRITTEN)) == WRITTEN


def test_it_is_a_float_to_everybody_else() -> None:
    number = read_exact("1.50")
    assert (number, number + 1, isinstance(number, float), f"{number:.1f}") == (1.5, 2.5, True, "1.5")
    assert json.dumps({"a": number}) == '{"a": 1.5}'
    assert isinstance(read_exact("2"), int)


def test_more_digits_than_an_integer_has_are_written_again() -> None:
    """As the database writes them of what was 1e30."""
    digits = "1" + "0" * 30
    assert write_exact(read_exact(f'{{"a":{digits}}}')).decode() == f'{{"a":{digits}}}'
    assert read_exact("9" * 5000) == math.inf


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_remembers_it(copied: object) -> None:
    assert callable(copied)
    assert copied(Exact("1.50")).written == "1.50"


@pytest.mark.parametrize(
    "content",
    [b"NaN", b"[Infinity]", b'"\\ud800"', b"\xff", b"01", b"[" * 2000, b"[" * 990 + b"]" * 990, b"", b"1.", b"{'a':1}"],
)
def test_what_is_no_json(content: bytes) -> None:
    with pytest.raises(ValueError):
        read_strictly(content)


def test_what_no_column_can_hold_is_left_to_the_database() -> None:
    assert write_for_database({"a": "\ud800", "b": 2**70}) == '{"a": "\\ud800", "b": 1180591620717411303424}'
    with pytest.raises(TypeError):
        write_exact({"a": object()})
    assert math.isinf(read_exact("1e400"))
