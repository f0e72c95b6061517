"""What templates may call: assets, addresses, sizes, ages, sentences."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from babel.messages.catalog import Catalog

from teleconsult.clock import now
from teleconsult.errors import Invalid
from tests.web.test_components import app_for_pages, request_of, shown
from web import i18n, rendering
from web.i18n import using_locale
from web.rendering import (
    ago,
    attributes,
    format_bytes,
    format_date,
    format_datetime,
    format_number,
    initials,
    is_current,
    make_environment,
    render,
    url,
)


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A manifest as Vite writes it."""
    manifest = tmp_path / "manifest.json"
    manifest.write_text(json.dumps({"app.ts": {"file": "assets/app-1a2b.js"}}))
    monkeypatch.setattr(rendering, "MANIFEST", manifest)


@pytest.mark.usefixtures("built")
def test_asset_has_its_hash() -> None:
    assert rendering.asset("app.ts") == "/static/assets/app-1a2b.js"


def test_a_page_asks_for_all_pieces_of_a_script_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = tmp_path / "manifest.json"
    app = {"file": "app-1.js", "isEntry": True}
    room = {"file": "room-2.js", "imports": ["app.ts", "_line.js", "_run.js"]}
    line, run = {"file": "line-3.js", "imports": ["_run.js"]}, {"file": "run-4.js"}
    manifest.write_text(json.dumps({"app.ts": app, "room.ts": room, "_line.js": line, "_run.js": run}))
    monkeypatch.setattr(rendering, "MANIFEST", manifest)
    assert rendering.modules("room.ts") == [f"/static/{name}.js" for name in ("room-2", "line-3", "run-4")]
    assert rendering.modules("nothing.ts") == []


@pytest.mark.usefixtures("built")
def test_page_still_renders_where_an_asset_is_missing() -> None:
    assert rendering.asset("other.ts") == "/static/other.ts"


def test_addresses_come_from_the_routes() -> None:
    app = app_for_pages()
    token = rendering._request.set(request_of(app))
    try:
        assert url("consults.show", id="a b") == "/consults/a%20b"
        assert url("consults.show", {"after": 3, "before": None}, id=1) == "/consults/1?after=3"
        with pytest.raises(KeyError):
            url("no.such.route")
    finally:
        rendering._request.reset(token)


@pytest.mark.parametrize(
    ("path", "link", "current"),
    [
        ("/", "/", True),
        ("/consults/1", "/consults", True),
        ("/consults/1", "/", False),
        ("/consultsx", "/consults", False),
    ],
)
def test_navigation_marks_where_one_is(path: str, link: str, *, current: bool) -> None:
    token = rendering._request.set(request_of(app_for_pages(), path=path))
    try:
        assert is_current(link) is current
    finally:
        rendering._request.reset(token)


def test_page_of_a_signed_in_person_is_not_kept() -> None:
    app = app_for_pages()
    context = {"code": 404, "sentence": "x"}
    assert render(request_of(app), "errors/error.html.jinja", **context).headers["Cache-Control"] == "no-store"
    assert render(request_of(app, None), "errors/error.html.jinja", **context).headers["Cache-Control"] == "no-cache"


def test_theme_of_the_cookie_is_in_the_page_and_nothing_else_is() -> None:
    app = app_for_pages()
    for cookie, expected in (("dark", 'data-theme="dark"'), ('x" onload="', "<html lang")):
        request = make_mocked_request("GET", "/", headers={"Cookie": f"theme={cookie}"}, app=app)
        page = rendering.render_text(request, "errors/error.html.jinja", code=404, sentence="x")
        assert expected in page
        assert "onload" not in page


def test_errors_reach_the_page_in_the_readers_words() -> None:
    errors = Invalid({"question": "At most %(n)s letters."}, n=2000)
    assert shown("{{ errors.question }}", errors=errors) == "At most 2000 letters."


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (0, "0 byte"),
        (999, "999 byte"),
        (1500, "1.5 kB"),
        (2_340_000, "2.3 MB"),
        (512_000_000, "512 MB"),
        (3_200_000_000, "3.2 GB"),
    ],
)
def test_sizes_are_said_in_steps_of_a_thousand(size: int, said: str) -> None:
    with using_locale("en"):
        assert format_bytes(size) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [
        *((1234.5, "1\u202f234,5"), (-7, "-7"), (1e30, "1E30"), (-1e99, "-1E99"), (10**30, "1E30")),
        *((0, "0"), (0.0004, "0,0004"), (-0.00025, "-0,00025"), (12.34567, "12,34567"), (3.1e-20, "3,1E-20")),
    ],
)
def test_any_number_can_be_shown(number: float, said: str) -> None:
    with using_locale("fr"):
        assert format_number(number) == said


@pytest.mark.parametrize(
    ("moment", "zone", "said"),
    [
        (datetime(1, 1, 1, 1, tzinfo=UTC), "America/Toronto", "1 janv. 1 01:00 (Toronto)"),
        (datetime(9999, 12, 31, 23, tzinfo=UTC), "Asia/Ho_Chi_Minh", "31 déc. 9999 23:00 (Ho Chi Minh)"),
        (datetime(2026, 3, 1, 23, tzinfo=UTC), "Asia/Ho_Chi_Minh", "2 mars 2026 06:00 (Ho Chi Minh)"),
    ],
)
def test_a_moment_at_the_edge_of_the_calendar_can_be_shown(moment: datetime, zone: str, said: str) -> None:
    with using_locale("fr"):
        assert format_datetime(moment, zone=zone).replace(",", "") == said
        assert ago(moment)


def test_ages_and_days_follow_the_language() -> None:
    with using_locale("fr"):
        assert ago(now() - timedelta(minutes=12)) == "il y a 12\N{NO-BREAK SPACE}min"
        assert format_date(date(2026, 11, 22)) == "22 nov. 2026"
    with using_locale("en"):
        assert ago(now() - timedelta(hours=3)) == "3 hr ago"
        assert format_date(date(2026, 11, 22), "day") == "Sun 22 Nov"
    with using_locale("vi"):
        assert "12 phút trước" in ago(now() - timedelta(minutes=12))


def test_day_of_a_moment_is_the_readers() -> None:
    late = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    assert shown("{{ moment|date }}", moment=late) == "23 Nov 2026"


def test_initials_leave_titles_out() -> None:
    assert initials("Dr. Lò Thị Phương") == "TP"
    assert initials("Minh") == "M"
    assert initials("") == ""


def test_attribute_names_and_values_are_escaped() -> None:
    assert attributes({"data_x": '"<', "for_": "a", "hidden": True, "open": False}) == (
        ' data-x="&#34;&lt;" for="a" hidden'
    )


@pytest.fixture
def three_births(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As French says it."""
    french = Catalog(locale="fr")
    for english, words in (("she was", "née"), ("he was", "né"), ("", "né(e)")):
        french.add(f"{english} born on %(date)s".strip(), f"{words} le %(date)s")
    monkeypatch.setattr(i18n, "catalogue", {"fr": french}.__getitem__)
    i18n._words.cache_clear()
    yield
    i18n._words.cache_clear()


@pytest.mark.usefixtures("three_births")
@pytest.mark.parametrize(("gender", "said"), [("female", "née le"), ("male", "né le"), ("other", "né(e) le")])
def test_a_birth_is_told_in_the_word_of_the_gender(gender: str, said: str) -> None:
    template = make_environment().from_string('{% from "patients/_identity.html.jinja" import born %}{{ born(who) }}')
    with using_locale("fr"):
        text = template.render(who={"gender": gender, "birth_date": date(1951, 3, 14), "birth_year": None})
        assert text.strip() == f"{said} 14 mars 1951"
        assert not template.render(who={"gender": gender, "birth_date": None, "birth_year": None}).strip()


def test_what_has_just_been_is_said_in_words() -> None:
    with using_locale("en"):
        assert ago(now() - timedelta(seconds=20)) == "less than a minute ago"
        assert "minute ago" not in ago(now() + timedelta(seconds=50))
