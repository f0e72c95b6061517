"""Every act that the sources record has a name for people."""

import ast
from collections.abc import Iterator

from web.audit_words import ACTS, act_name
from web.extraction import ROOT, WINGS
from web.i18n import using_locale

RECORDERS = {"record", "record_denied", "record_refused", "_record", "_note"}


def recorded_acts(source: str) -> Iterator[str]:
    """The text arguments of every call that records; of a choice between two, both. What a call is told as `act`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.arguments):
            yield from _defaults(node)
        if not isinstance(node, ast.Call):
            continue
        for keyword in node.keywords:
            if keyword.arg == "act":
                yield from _words(keyword.value)
        if getattr(node.func, "id", getattr(node.func, "attr", "")) not in RECORDERS:
            continue
        for argument in node.args:
            yield from _words(argument)


def _words(told: ast.expr) -> Iterator[str]:
    choices = [told.body, told.orelse] if isinstance(told, ast.IfExp) else [told]
    yield from (one.value for one in choices if isinstance(one, ast.Constant) and isinstance(one.value, str))


def _defaults(arguments: ast.arguments) -> Iterator[str]:
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if argument.arg == "act" and isinstance(default, ast.Constant) and isinstance(default.value, str):
            yield default.value


def test_the_names_are_those_of_the_sources() -> None:
    files = (path for wing in WINGS for path in (ROOT / wing).rglob("*.py"))
    found = {act for path in files for act in recorded_acts(path.read_text(encoding="utf-8"))}
    assert set(ACTS) == found


def test_an_act_is_named_in_the_readers_language() -> None:
    with using_locale("fr"):
        assert act_name("note-signed") == "Signature d’un compte rendu"
        assert act_name("of-another-version") == "of-another-version"
