"""The reader's language: how it is chosen, and what it says."""

import pytest
from babel.messages.catalog import Catalog

from web import i18n
from web.i18n import LazyString, choose_locale, gettext, lazy_gettext, ngettext, using_locale


@pytest.mark.parametrize(
    ("stored", "header", "chosen"),
    [
        ("vi", "en", "vi"),
        (None, "en-GB,en;q=0.9", "en"),
        (None, "de, vi;q=0.7, en;q=0.4", "vi"),
        (None, "en;q=0.2, fr-CA;q=0.8", "fr"),
        (None, "en;q=0, vi;q=0", "fr"),
        (None, "en;q=abc", "fr"),
        (None, "", "fr"),
        ("xx", "", "fr"),
        ("../../etc", "en", "en"),
    ],
)
def test_locale_is_the_choice_then_the_browser_then_french(stored: str | None, header: str, chosen: str) -> None:
    assert choose_locale(stored, header) == chosen


@pytest.fixture
def small_catalogues(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two words in French, one form in Vietnamese."""
    french, vietnamese, english = Catalog(locale="fr"), Catalog(locale="vi"), Catalog(locale="en")
    french.add("Hello %(name)s", "Bonjour %(name)s")
    french.add("Guess", "Devinette", flags={"fuzzy"})
    french.add(("%(n)s image", "%(n)s images"), ("%(n)s image", "%(n)s images"))
    vietnamese.add(("%(n)s image", "%(n)s images"), ("%(n)s ảnh",))
    catalogues = {"fr": french, "vi": vietnamese, "en": english}
    monkeypatch.setattr(i18n, "catalogue", catalogues.__getitem__)
    i18n._words.cache_clear()
    yield
    i18n._words.cache_clear()


@pytest.mark.usefixtures("small_catalogues")
def test_messages_are_filled_in_after_translation() -> None:
    with using_locale("fr"):
        assert gettext("Hello %(name)s", name="Minh") == "Bonjour Minh"
    with using_locale("vi"):
        assert gettext("Hello %(name)s", name="Minh") == "Hello Minh", "English where nothing is known"


@pytest.mark.usefixtures("small_catalogues")
def test_guesses_are_not_shown() -> None:
    with using_locale("fr"):
        assert gettext("Guess") == "Guess"


@pytest.mark.usefixtures("small_catalogues")
@pytest.mark.parametrize(
    ("locale", "n", "said"),
    [("fr", 0, "0 image"), ("fr", 1, "1 image"), ("fr", 2, "2 images"), ("en", 0, "0 images"), ("vi", 5, "5 ảnh")],
)
def test_each_language_counts_its_own_way(locale: str, n: int, said: str) -> None:
    with using_locale(locale):
        assert ngettext("%(n)s image", "%(n)s images", n) == said


@pytest.mark.usefixtures("small_catalogues")
def test_lazy_words_are_translated_when_shown() -> None:
    greeting: LazyString = lazy_gettext("Hello %(name)s", name="Minh")
    with using_locale("fr"):
        assert str(greeting) == "Bonjour Minh"
    with using_locale("en"):
        assert str(greeting) == "Hello Minh"


def test_unknown_locale_becomes_the_default_and_leaves_no_trace() -> None:
    with using_locale("en"), using_locale("xx"):
        assert i18n.current_locale() == "fr"
    assert i18n.current_locale() == "fr"
