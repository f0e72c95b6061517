"""The house itself: small files, tests that mirror the source, templates that compile, routes that are guarded."""

import re
from pathlib import Path

import pytest
from jinja2 import nodes

from teleconsult.settings import Settings
from web.app import make_app
from web.rendering import make_environment
from web.requests import ANYONE, NEEDS

ROOT = Path(__file__).parents[2]
SOURCES = [path for wing in ("teleconsult", "signaling", "web", "migrations") for path in (ROOT / wing).rglob("*.py")]
SCRIPTS = [path for path in (ROOT / "web" / "assets").rglob("*.ts") if not path.name.endswith(".gen.ts")]
LONGEST = 400
LONGEST_MIGRATION = 1200

PUBLIC = {
    "/sign-in", "/sign-in/second-factor", "/sign-in/federated", "/sign-in/federated/callback",
    "/sign-in/passkey", "/sign-in/passkey/options", "/sign-in/federated/unknown", "/sign-in/code",
    "/sign-in/code/entry", "/sign-in/reset", "/sign-in/reset-mail", "/sign-in/reset/{token}",
    "/invitation/{token}", "/invitation/{token}/opening", "/join", "/join/{token}",
    *(f"/join/check{part}" for part in ("", "/servers", "/probe", "/download")),
    *(f"/join/chat/{part}" for part in ("{file}", "{file}/preview", "uploads", "uploads/{token}")),
    "/join/chat/uploads/{token}/reception",
    "/language", "/healthz", "/calendars/{token}",
    "/readyz", "/metrics", "/verify", "/fhir/metadata", "/fhir/.well-known/smart-configuration", "/oauth/token",
    "/trust", "/trust/teleconsult.crt", "/trust/teleconsult.mobileconfig",
    "/static", "/favicon.ico", "/service-worker.js", "/dictionaries/{name}",
}  # fmt: skip
"""What answers without sign-in. Socket.IO checks by itself (`signaling/connection.py`)."""


def test_no_module_is_long() -> None:
    """Split by capability what is."""
    long = {
        str(path.relative_to(ROOT)): lines
        for path in [*SOURCES, *SCRIPTS]
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LONGEST
        and not (path.parent.name == "versions" and lines <= LONGEST_MIGRATION)
    }
    assert not long


def test_no_module_is_an_attic() -> None:
    attics = {"utils", "helpers", "common", "misc", "manager", "managers", "util", "helper"}
    assert not [path for path in SOURCES if {path.stem, path.parent.name} & attics]


def test_every_slice_has_tests() -> None:
    slices = [path.parent.name for path in (ROOT / "teleconsult").glob("*/models.py")]
    untested = [
        name
        for name in slices
        if not list((ROOT / "tests" / "teleconsult").glob(f"{name}/test_*.py"))
        and not (ROOT / "tests" / "teleconsult" / f"test_{name}.py").exists()
    ]
    assert not untested


TEMPLATES = [name for name in make_environment().list_templates() if name.endswith(".jinja")]


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_compiles_and_every_page_has_a_title(name: str) -> None:
    environment = make_environment()
    assert environment.loader is not None
    source, _path, _fresh = environment.loader.get_source(environment, name)
    tree = environment.parse(source)
    environment.get_template(name)
    is_part = name.rsplit("/", 1)[-1].startswith("_")
    extends = [node.template.value for node in tree.find_all(nodes.Extends) if isinstance(node.template, nodes.Const)]
    if not is_part and extends:
        assert any(block.name == "title" for block in tree.find_all(nodes.Block)), "a page needs a title"
    assert not re.search(r"<[^>]+\sstyle=|<[^>]+\son[a-z]+=|<script(?![^>]*\bsrc=)[^>]*>", source), (
        "no inline style, no inline script: the policy forbids them"
    )


def test_every_route_demands_sign_in_but_the_named_few(settings: Settings) -> None:
    unguarded = set()
    app = make_app(settings)
    for route in app.router.routes():
        path = route.resource.canonical if route.resource else ""
        if app[NEEDS].get(route) is ANYONE:
            unguarded.add(path)
    assert {path for path in unguarded if not path.startswith("/socket.io")} <= PUBLIC


def test_every_setting_is_in_the_operations_page() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    missing = [name for name in Settings.model_fields if f"TELECONSULT_{name.upper()}`" not in page]
    assert not missing


def test_the_project_speaks_only_of_itself() -> None:
    """No path of the machine it was written on."""
    # Spelled in pieces, so that this file does not name them either.
    places = ["/" + name + "/" for name in ("work", "root", "opt")]
    for path in [*SOURCES, *SCRIPTS, *(ROOT / "docs").rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]:
        text = path.read_text(encoding="utf-8")
        assert not any(place in text for place in places), path
