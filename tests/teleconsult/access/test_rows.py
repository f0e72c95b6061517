"""Every filter of rows goes through one seam, and shows nothing to who is nobody there."""

import ast
import importlib
import inspect
import pkgutil
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import ColumnElement, true

from teleconsult.access import rows
from teleconsult.access.rows import seam
from teleconsult.accounts.actor import NOBODY, SYSTEM, Actor

OF_ANYBODY = {"held_seats", "is_permitted", "meets_over"}
"""Filters that ask for nobody in particular."""
FILTERS = sorted(rows.__all__)


def built(name: str, actor: Actor) -> ColumnElement[bool]:
    """The condition of that name for the actor."""
    written: Callable[..., ColumnElement[bool]] = getattr(rows, name)
    given: dict[str, Any] = {"actor": actor, "consult_id": uuid.uuid4(), "patients": "{}", "shared": "{}"}
    given |= {"role_id": uuid.uuid4(), "is_called": False}
    return written(**{parameter: given[parameter] for parameter in inspect.signature(written).parameters})


@pytest.mark.parametrize("name", FILTERS)
def test_it_goes_through_the_seam(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seam, "_wall", lambda _condition: true())
    assert str(built(name, NOBODY)) == "true"


@pytest.mark.parametrize("name", sorted(set(FILTERS) - OF_ANYBODY))
@pytest.mark.parametrize("actor", [NOBODY, SYSTEM], ids=["nobody", "the system"])
def test_it_names_no_empty_column(name: str, actor: Actor) -> None:
    """A column compared with the nothing that nobody has would match rows where that column is empty."""
    written = re.sub(
        r"\b(ended_at|owner_role_id|revoked_at|expires_at|withdrawn_at) IS NULL", "", str(built(name, actor))
    )
    assert "IS NULL" not in written


@pytest.mark.parametrize("module", sorted(part.name for part in pkgutil.iter_modules(rows.__path__)))
def test_no_alias_is_made_for_each_question(module: str) -> None:
    """It would cost more than the question itself, on every page."""
    source = inspect.getsource(importlib.import_module(f"{rows.__name__}.{module}"))
    within = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    called = {ast.unparse(call.func) for one in within for call in ast.walk(one) if isinstance(call, ast.Call)}
    assert "aliased" not in called


@pytest.mark.parametrize("module", sorted(part.name for part in pkgutil.iter_modules(rows.__path__)))
def test_each_is_listed(module: str) -> None:
    source = importlib.import_module(f"{rows.__name__}.{module}")
    marked = {
        name
        for name, found in vars(source).items()
        if hasattr(found, "__wrapped__") and found.__module__ == source.__name__
    }
    assert marked <= set(rows.__all__)
