"""Every change of a consult is told to both sides, or says why not, in few words and in three languages."""

import ast
import re
from pathlib import Path

import pytest

from teleconsult.documents.letters import LOCALES
from teleconsult.messages.occasions import ANSWERING, ASKING, OCCASIONS

ROOT = Path(__file__).parents[2]


def told_names() -> set[str]:
    """The names that code passes to `tell_consult`, by themselves or out of a table of its module."""
    names = set()
    for path in (ROOT / "teleconsult").rglob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        tables = {
            named.id: assigned.value.values
            for assigned in module.body
            if isinstance(assigned, ast.Assign | ast.AnnAssign) and isinstance(assigned.value, ast.Dict)
            for named in (assigned.targets if isinstance(assigned, ast.Assign) else [assigned.target])
            if isinstance(named, ast.Name)
        }
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "tell_consult":
                leaves = list(ast.walk(node.args[1]))
                leaves += [value for leaf in leaves if isinstance(leaf, ast.Name) for value in tables.get(leaf.id, ())]
                names |= {
                    leaf.value for leaf in leaves if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str)
                }
    return names


def test_every_event_is_an_occasion_and_none_is_left_over() -> None:
    known = {name for name in OCCASIONS if name.startswith("Consult")}
    assert told_names() == known


@pytest.mark.parametrize("name", OCCASIONS)
def test_both_sides_are_told_or_it_says_why_not(name: str) -> None:
    occasion = OCCASIONS[name]
    both = bool(occasion.told & ASKING and occasion.told & ANSWERING)
    assert both is (occasion.alone == ""), occasion.alone


@pytest.mark.parametrize("name", OCCASIONS)
def test_few_words_in_every_language(name: str) -> None:
    words = OCCASIONS[name].words
    assert words.keys() == set(LOCALES)
    assert len(set(words.values())) == len(LOCALES)
    for said in words.values():
        assert 5 < len(said) < 70
        assert re.sub(r"%\(time\)s", "", said).isprintable()
        assert "%" not in re.sub(r"%\(time\)s", "", said), "there is nothing else to fill in"
