"""The reader's language: catalogues read from `.po` at start, bound to a request by a context variable.

`gettext` is what modules import as `_`; `lazy_gettext` is for words that stand at module level, such as the
labels of an enum. `python -m web.i18n extract` brings the three catalogues up to date with the sources.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

LOCALES: Mapping[str, str] = {"fr": "Français", "en": "English", "vi": "Tiếng Việt"}
"""Code and own name of each language, in the order shown."""
DEFAULT_LOCALE = "fr"
LOCALE_COOKIE = "locale"
FOLDER = Path(__file__).parent / "locales"

_REGIONS = {"fr": "fr", "en": "en_GB", "vi": "vi"}
_current: ContextVar[str] = ContextVar("locale", default=DEFAULT_LOCALE)


def catalogue_path(locale: str) -> Path:
    """Where the words of a language are kept."""
    return FOLDER / locale / "LC_MESSAGES" / "messages.po"


@cache
def catalogue(locale: str) -> Catalog:
    """The words of a language, read once."""
    with catalogue_path(locale).open("rb") as file:
        return read_po(file, locale=locale)


@cache
def _words(locale: str) -> dict[str, str | tuple[str, ...]]:
    """msgid → translation (a tuple where the message has plural forms); what is not translated is left out."""
    words: dict[str, str | tuple[str, ...]] = {}
    for message in catalogue(locale):
        if not message.id or message.fuzzy:
            continue
        key = message.id[0] if isinstance(message.id, (tuple, list)) else message.id
        text = tuple(message.string) if isinstance(message.string, (tuple, list)) else message.string
        if text and all(text):
            words[str(key)] = text
    return words


@cache
def _plural_rule(locale: str) -> Any:
    return Locale.parse(locale).plural_form


def current_locale() -> str:
    """The language of the request being answered: `fr`, `en` or `vi`."""
    return _current.get()


def babel_locale() -> Locale:
    """The same for dates and numbers: English is British, so the day comes before the month."""
    return Locale.parse(_REGIONS[current_locale()])


@contextmanager
def using_locale(locale: str) -> Iterator[None]:
    """Speak this language inside the block; an unknown one becomes the default."""
    token = _current.set(locale if locale in LOCALES else DEFAULT_LOCALE)
    try:
        yield
    finally:
        _current.reset(token)


def choose_locale(stored: str | None, accept_language: str) -> str:
    """The stored choice if it is one of ours, else the best of Accept-Language (RFC 9110 §12.5.4), else French."""
    if stored is not None and stored in LOCALES:
        return stored
    wanted: list[tuple[float, str]] = []
    for part in accept_language[:1000].split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality or 1)
        except ValueError:
            continue
        code = tag.lower().split("-")[0]
        if code in LOCALES and weight > 0:
            wanted.append((weight, code))
    return max(wanted, key=lambda pair: pair[0])[1] if wanted else DEFAULT_LOCALE


def message_text(message: str) -> str:
    """The message in the reader's language, its `%(name)s` still open: what Jinja's own gettext fills in."""
    found = _words(current_locale()).get(message, message)
    return found if isinstance(found, str) else found[0]


def plural_text(singular: str, plural: str, n: int) -> str:
    """The form of the message that fits `n`, its values still open."""
    found = _words(current_locale()).get(singular)
    if isinstance(found, tuple):
        return found[min(_plural_index(n), len(found) - 1)]
    return singular if n == 1 else plural


def gettext(message: str, **values: object) -> str:
    """The message in the reader's language, with `%(name)s` filled in. Without values a `%` stands for itself."""
    text = message_text(message)
    return text % values if values else text


def ngettext(singular: str, plural: str, n: int, **values: object) -> str:
    """The form of the message that fits `n`, which is also the values `%(n)s` and `%(num)s`."""
    return plural_text(singular, plural, n) % {"n": n, "num": n, **values}


def _plural_index(n: int) -> int:
    """French counts 0 and 1 as one, English only 1, Vietnamese has a single form (CLDR)."""
    return 0 if _plural_rule(current_locale())(n) == "one" else 1


@dataclass(frozen=True, slots=True)
class LazyString:
    """A message that is translated each time it is shown."""

    message: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return gettext(self.message, **self.values)

    def __html__(self) -> str:
        from markupsafe import escape

        return str(escape(str(self)))


def lazy_gettext(message: str, **values: object) -> LazyString:
    """For module-level words: translated when shown, not when imported."""
    return LazyString(message, values)


if __name__ == "__main__":
    from web.extraction import main

    main()
