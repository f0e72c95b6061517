"""All three languages are complete, nothing is a guess, and every placeholder survives."""

import re

import pytest
from babel.messages.catalog import Catalog, Message

from web.extraction import extracted, is_translated
from web.i18n import LOCALES, catalogue

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]")


@pytest.fixture(scope="module")
def sources() -> Catalog:
    """What the sources say now."""
    return extracted()


def forms(text: str | list[str] | tuple[str, ...] | None) -> list[str]:
    """The one form of a message, or all its plural forms."""
    return [text] if isinstance(text, str) else list(text or [])


def words(catalog: Catalog) -> dict[str, Message]:
    """Messages by their (singular) English; the header has none."""
    return {forms(message.id)[0]: message for message in catalog if message.id}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_message_of_the_sources_is_translated(locale: str, sources: Catalog) -> None:
    known = words(catalogue(locale))
    missing = [text for text in words(sources) if text not in known or not is_translated(known[text])]
    assert missing == [], f"run `python -m web.i18n extract`, then translate {locale}"


@pytest.mark.parametrize("locale", LOCALES)
def test_no_message_is_left_over_or_guessed(locale: str, sources: Catalog) -> None:
    known = words(catalogue(locale))
    assert sorted(set(known) - set(words(sources))) == []
    assert [text for text, message in known.items() if message.fuzzy] == []


@pytest.mark.parametrize("locale", LOCALES)
def test_placeholders_are_those_of_the_source(locale: str) -> None:
    for message in filter(is_translated, words(catalogue(locale)).values()):
        wanted = {name for form in forms(message.id) for name in PLACEHOLDER.findall(form)}
        for form in forms(message.string):
            found = set(PLACEHOLDER.findall(form))
            # A single plural form may leave the number out ("an image"), never invent a name.
            assert found == wanted or (len(forms(message.id)) > 1 and found <= wanted), (locale, message.id, form)


@pytest.mark.parametrize("locale", LOCALES)
def test_percent_signs_cannot_break_a_page(locale: str) -> None:
    """Jinja fills every message in, so a lone `%` would raise while a page is made."""
    for text, message in words(catalogue(locale)).items():
        for form in forms(message.string):
            assert "%" not in PLACEHOLDER.sub("", form).replace("%%", ""), (locale, text)


def test_no_french_line_begins_with_a_sign() -> None:
    """What stands before and within such signs is a space that does not break."""
    broken = re.compile(r"\S [:;?!»]|« ")
    assert not [
        form for message in words(catalogue("fr")).values() for form in forms(message.string) if broken.search(form)
    ]
