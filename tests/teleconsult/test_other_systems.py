"""What is done alike with every system of others: named, switched, changed so that the log can be read."""

from types import SimpleNamespace

import pytest

from teleconsult.clock import now
from teleconsult.other_systems import change, read_name, turn


@pytest.mark.parametrize(("typed", "name"), [("  CT \t 1 ", "CT 1"), ("x" * 100, "x" * 100)])
def test_a_name_is_tidied(typed: str, name: str) -> None:
    errors: dict[str, str] = {}
    assert (read_name(typed, errors), errors) == (name, {})


@pytest.mark.parametrize("typed", ["", " \n ", "x" * 101, "CT\x001"])
def test_what_is_no_name_is_said(typed: str) -> None:
    errors: dict[str, str] = {}
    read_name(typed, errors)
    assert errors == {"name": "Give it a short name."}


def test_twice_is_once() -> None:
    system = SimpleNamespace(disabled_at=None)
    assert [turn(system, is_on=is_on) for is_on in (True, False, False, True)] == [False, True, False, True]
    system.disabled_at = now()
    assert not turn(system, is_on=False)


def test_what_was_changed_is_told_but_for_secrets_and_certificates() -> None:
    system = SimpleNamespace(name="A", address="", uses_tls=False, secret=b"old", authority="x" * 999, port=104)
    values = {"name": "B", "address": "x:1", "uses_tls": True, "secret": b"new", "authority": "", "port": 104}
    assert change(system, values) == (
        "name: A → B; address: – → x:1; uses_tls: no → yes; secret: … → …; authority: … → –"
    )
    assert (system.secret, system.authority) == (b"new", "")
    assert change(system, values) == ""
