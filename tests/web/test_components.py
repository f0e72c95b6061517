"""Every component renders, escapes what it is given, and carries the names that others rely on."""

import re
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import jinja2
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from teleconsult.accounts import Actor
from teleconsult.clock import now
from teleconsult.consults.states import ConsultState
from teleconsult.directory.models import RoleCode
from teleconsult.settings import Settings
from web.flash import keep_flashes
from web.i18n import using_locale
from web.rendering import ENVIRONMENT, render_text, setup_rendering
from web.requests import ACTOR, SETTINGS
from web.routes import add_routes

TEMPLATES = Path(__file__).parent.parent.parent / "web" / "templates"
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr", "path", "circle", "rect"}


def app_for_pages(*folders: Path) -> web.Application:
    """An application that renders and nothing else; `folders` hold templates of the tests' own."""
    app = web.Application(middlewares=[keep_flashes])
    app[SETTINGS] = Settings(secret_key="k" * 40)
    setup_rendering(app)
    add_routes(app)
    load_also(app, jinja2.FileSystemLoader(folders))
    return app


def load_also(app: web.Application, loader: jinja2.BaseLoader) -> None:
    """Templates of this application alone: the environment itself is the process's."""
    ours = app[ENVIRONMENT].loader
    assert ours is not None
    app[ENVIRONMENT] = app[ENVIRONMENT].overlay(loader=jinja2.ChoiceLoader([ours, loader]))


def request_of(app: web.Application, role: RoleCode | None = RoleCode.DOCTOR, path: str = "/") -> web.Request:
    """A GET by somebody in Hà Nội with this role, or by nobody."""
    request = make_mocked_request("GET", path, app=app)
    if role is not None:
        request[ACTOR] = Actor(
            account_id=uuid.uuid4(),
            practitioner_id=None,
            role_id=None,
            organization_id=None,
            role=role,
            name="Dr Lò Thị Phương",
            organization_name="Centre de santé <Mường Khương>",
            time_zone="Asia/Ho_Chi_Minh",
        )
    return request


def shown(source: str, **context: object) -> str:
    """What a template's source renders to, in English, with every component at hand."""
    app = app_for_pages()
    load_also(app, jinja2.DictLoader({"page": '{% import "_components.html.jinja" as c %}' + source}))
    with using_locale("en"):
        return render_text(request_of(app), "page", **context)


class Balance(HTMLParser):
    """Fails where a tag is closed that is not open, and collects ids and inline styles."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> says {names} twice"
        self.inline += [name for name in names if name == "style" or name.startswith("on")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag


@pytest.fixture
def gallery() -> Iterator[str]:
    """The page that shows every component."""
    app = app_for_pages(Path(__file__).parent)
    with using_locale("fr"):
        yield render_text(
            request_of(app),
            "gallery.html.jinja",
            states=list(ConsultState),
            moment=now() - timedelta(minutes=12),
        )


def test_every_macro_is_in_the_gallery() -> None:
    macros = set(re.findall(r"{% macro ([a-z]\w*)", (TEMPLATES / "_components.html.jinja").read_text()))
    inner = {"csrf_field"}  # stands in `form`
    used = (Path(__file__).parent / "gallery.html.jinja").read_text()
    assert {macro for macro in macros - inner if not re.search(rf"\b{macro}\(", used)} == set()


def test_gallery_is_whole_html(gallery: str) -> None:
    page = Balance()
    page.feed(gallery)
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_nothing_is_styled_or_scripted_inline(gallery: str) -> None:
    page = Balance()
    page.feed(gallery)
    assert page.inline == []
    assert "<style" not in gallery
    assert not re.search(r"<script(?![^>]*src=)", gallery)


def test_every_icon_used_is_drawn() -> None:
    drawn = set(re.findall(r'<symbol id="([^"]+)"', (TEMPLATES.parent / "assets" / "icons.svg").read_text()))
    sources = "".join(path.read_text() for path in TEMPLATES.rglob("*.jinja"))
    named = set(re.findall(r'icon_name="([a-z-]+)"', sources)) | set(re.findall(r'icon\("([a-z-]+)"', sources))
    assert named <= drawn


@pytest.mark.parametrize("state", list(ConsultState))
def test_every_state_has_words_and_an_icon(state: ConsultState) -> None:
    badge = shown("{{ c.status(state) }}", state=state)
    words = re.sub(r"<[^>]+>", "", badge).strip()
    assert words != state.value, "a code is no word"
    assert "#info" not in badge, "no icon of its own"


def test_what_people_typed_is_escaped() -> None:
    nasty = '"><script>alert(1)</script>'
    page = shown(
        "{{ c.field('a', x, x, error=x, hint=x, data_x=x) }}{{ c.textarea('b', x, x) }}{{ c.badge(x) }}"
        "{{ c.select('s', x, [(x, x)], value=x) }}{{ c.row(x, meta=[x]) }}{{ c.data_list([(x, x)]) }}"
        "{{ c.file_drop(x, x) }}{{ c.person(x) }}{{ c.button(x, href=x) }}",
        x=nasty,
    )
    assert "<script>" not in page
    parsed = Balance()
    parsed.feed(page)
    assert parsed.open == []


def test_error_stands_beside_its_field() -> None:
    page = shown("{{ c.field('email', 'E-mail', error='No such address.', hint='Yours.') }}")
    assert 'aria-invalid="true" autofocus' in page, "the first field to mend has the focus"
    assert 'aria-describedby="field-email-hint field-email-error"' in page
    assert '<p class="field-error" id="field-email-error">' in page


def test_attributes_follow_their_values() -> None:
    button = shown("{{ c.button('Go', data_testid='go', disabled=True, hidden=False, title=None) }}")
    assert 'data-testid="go"' in button
    assert " disabled" in button
    assert "hidden" not in button
    assert "title" not in button


def test_moment_is_told_in_the_readers_zone_and_in_another() -> None:
    moment = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
    assert "09:30" in shown("{{ c.when(moment) }}", moment=moment)
    assert shown('{{ moment|datetime(zone="Europe/Paris") }}', moment=moment).endswith("03:30 (Paris)")


@pytest.mark.parametrize(
    ("role", "sees", "does_not_see"),
    [
        (RoleCode.DOCTOR, "/patients", "/admin"),
        (RoleCode.SPECIALIST, "/agenda", "/admin"),
        (RoleCode.ADMINISTRATOR, "/admin", "/patients"),
    ],
)
def test_bar_shows_what_the_role_may(role: RoleCode, sees: str, does_not_see: str) -> None:
    app = app_for_pages()
    with using_locale("en"):
        page = render_text(request_of(app, role), "errors/error.html.jinja", code=404, sentence="x")
    assert f'href="{sees}"' in page
    assert f'href="{does_not_see}"' not in page
    assert "Centre de santé &lt;Mường Khương&gt;" in page


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 409, 413, 422, 429, 500, 503])
def test_every_error_says_what_to_do_next(code: int) -> None:
    app = app_for_pages()
    with using_locale("en"):
        page = render_text(request_of(app, None), "errors/error.html.jinja", code=code, sentence="The reason.")
    assert "The reason." in page
    assert f"Error {code}" in page
    assert 'class="button button-primary"' in page


def test_three_languages_are_one_click_away() -> None:
    app = app_for_pages()
    with using_locale("vi"):
        page = render_text(request_of(app, None, "/sign-in"), "accounts/sign_in.html.jinja", next="/")
    assert re.findall(r'name="locale" value="(\w+)"[^>]*aria-pressed="(\w+)"', page) == [
        ("fr", "false"),
        ("en", "false"),
        ("vi", "true"),
    ]
    assert '<html lang="vi"' in page
