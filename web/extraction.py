"""Bring the catalogues up to date with the words in the sources: `python -m web.i18n extract`.

Python is read by its syntax tree, because messages also stand in the errors that `teleconsult` raises, which know
nothing of gettext: `Refused("…")`, `Invalid({"question": "…"})`.
"""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from web.i18n import LOCALES, catalogue_path

ROOT: Final = Path(__file__).parent.parent
WINGS: Final = ("teleconsult", "signaling", "web")
_ONE: Final = {
    "_", "gettext", "lazy_gettext", "_lazy",
    "Forbidden", "NotFound", "Refused", "Conflict", "TooLarge", "Unauthenticated", "TooMany", "Unavailable",
}  # fmt: skip
_PLURAL: Final = {"ngettext"}
_COLLECTED: Final = {"errors", "wrong", "missing"}
"""What a dictionary is called that becomes an `Invalid`: `errors["family"] = "Give the family name."`"""

FIRST_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
"""In every header: the date of the last change is what the version control says."""

Text = str | tuple[str, str]


def messages_in_python(source: str) -> Iterator[tuple[int, Text]]:
    """Line and message of every call that names words for a person."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _default_messages(node)
        if isinstance(node, ast.Assign):
            yield from _collected_messages(node)
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        name = function.id if isinstance(function, ast.Name) else getattr(function, "attr", "")
        texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
        if name in _ONE and texts:
            yield node.lineno, texts[0]
        elif name in _PLURAL and len(texts) >= 2:
            yield node.lineno, (texts[0], texts[1])
        elif name == "Fault" and texts:
            yield node.lineno, texts[-1]  # its code comes first
        elif name == "Invalid" and node.args and isinstance(node.args[0], ast.Dict):
            for value in node.args[0].values:
                if isinstance(value, ast.Constant) and isinstance(value.value, str):
                    yield value.lineno, value.value


def _default_messages(node: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[int, Text]]:
    """The sentence an error says when it is given none: a default of a parameter named `message`."""
    named = node.args.args[len(node.args.args) - len(node.args.defaults) :]
    for parameter, default in zip(named, node.args.defaults, strict=True):
        if parameter.arg == "message" and isinstance(default, ast.Constant) and isinstance(default.value, str):
            yield default.lineno, default.value


def _collected_messages(node: ast.Assign) -> Iterator[tuple[int, Text]]:
    target, value = node.targets[0], node.value
    is_collected = isinstance(target, ast.Subscript) and getattr(target.value, "id", "") in _COLLECTED
    if is_collected and isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.lineno, value.value


def messages_in_template(path: Path) -> Iterator[tuple[int, Text]]:
    """Line and message of every `_()`, `ngettext()` and `{% trans %}`."""
    with path.open("rb") as file:
        options = {"silent": "false", "trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true"}
        keywords = {"_": None, "gettext": None, "ngettext": (1, 2)}
        for line, message, _comments, _context in extract("jinja2.ext:babel_extract", file, keywords, options=options):
            yield line, message if isinstance(message, str) else (message[0], message[1])


def extracted() -> Catalog:
    """Every message of the sources, with where it stands."""
    template = Catalog(project="teleconsult", charset="utf-8")
    for wing in WINGS:
        for path in sorted((ROOT / wing).rglob("*.py")):
            for line, message in messages_in_python(path.read_text(encoding="utf-8")):
                _add(template, path, line, message)
    for path in sorted((ROOT / "web" / "templates").rglob("*.jinja")):
        for line, message in messages_in_template(path):
            _add(template, path, line, message)
    return template


def _add(template: Catalog, path: Path, line: int, message: Text) -> None:
    template.add(message, locations=[(str(path.relative_to(ROOT)), line)])


def updated(locale: str, template: Catalog) -> Catalog:
    """The catalogue of a language with the template's messages and its own translations; nothing is guessed."""
    path = catalogue_path(locale)
    if path.exists():
        with path.open("rb") as file:
            old = read_po(file, locale=locale)
    else:
        old = Catalog(locale=locale)
    fresh = Catalog(
        locale=locale,
        project="teleconsult",
        version="1",
        header_comment=f"# {LOCALES[locale]}",
        copyright_holder="",
        last_translator="Teleconsult",
        language_team=LOCALES[locale],
        creation_date=FIRST_DAY,
        revision_date=FIRST_DAY,
        fuzzy=False,
    )
    for message in template:
        if not message.id:
            continue
        known = old.get(message.id[0] if isinstance(message.id, tuple) else message.id)
        same_shape = known is not None and isinstance(known.id, (tuple, list)) == isinstance(message.id, (tuple, list))
        string = known.string if known is not None and same_shape else _untranslated(locale, message.id, fresh)
        flags = set(known.flags) - {"fuzzy"} if known is not None else set()
        fresh.add(message.id, string, locations=_files(message.locations), flags=flags)
    return fresh


def _untranslated(locale: str, message: str | tuple[str, ...] | list[str], fresh: Catalog) -> str | tuple[str, ...]:
    """English says what the source says; the others start empty."""
    if isinstance(message, str):
        return message if locale == "en" else ""
    return tuple(message) if locale == "en" else ("",) * fresh.num_plurals


def _files(locations: list[tuple[str, int]]) -> list[tuple[str, int]]:
    """Each file once: line numbers would change the catalogue with every edit."""
    return [(path, 1) for path in dict.fromkeys(path for path, _line in locations)]


def main() -> None:
    """Write the three catalogues, and say how many messages each still lacks."""
    template = extracted()
    for locale in LOCALES:
        fresh = updated(locale, template)
        path = catalogue_path(locale)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            write_po(file, fresh, width=100, sort_output=True, omit_header=False, include_lineno=False)
        missing = sum(1 for message in fresh if message.id and not is_translated(message))
        print(f"{locale}: {len(fresh)} messages, {missing} to translate")


def is_translated(message: Message) -> bool:
    """Whether every form of the message has words."""
    string = message.string
    return all(string) if isinstance(string, (tuple, list)) and string else bool(string)
