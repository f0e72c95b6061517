"""No page needs what is anybody else's: it works without the internet, and nobody elsewhere learns who looks."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.test_layout import ROOT
from web.middlewares import POLICY, POLICY_OF_DECODER

OURS = {"'self'", "'none'", "'wasm-unsafe-eval'", "data:", "blob:"}
NAMES = ("http://www.w3.org/", "https://tus.io")
"""Namespaces and a protocol's own page: names that nobody asks for anything."""
ELSEWHERE = re.compile(r"""(?:https?|wss?):\\?/\\?/[^\s"'`)>]+""")
FETCHED = re.compile(
    r"""<(?:script|img|link|iframe|source|video|audio|object|embed|form|input|use|image)\b[^>]*?
        \b(?:src|srcset|href|data|poster|action|formaction)\s*=\s*["'](?:[a-z]+:)?//""",
    re.VERBOSE | re.IGNORECASE,
)
STYLED = re.compile(r"""(?:@import\s+|url\(\s*)["']?(?:[a-z]+:)?//""", re.IGNORECASE)


def sources(folder: Path, *endings: str) -> Iterator[tuple[str, str]]:
    for path in sorted(folder.rglob("*")):
        if path.name.endswith(endings) and not path.name.endswith(".test.ts"):
            yield path.relative_to(ROOT).as_posix(), path.read_text()


def test_a_browser_is_told_to_ask_nobody_else() -> None:
    """The policy stands on every answer, so that a page that forgot would get nothing."""
    for policy in (POLICY, POLICY_OF_DECODER):
        assert {source for rule in policy.split("; ") for source in rule.split()[1:]} <= OURS, policy


def test_no_template_style_or_script_names_another_origin() -> None:
    web = ROOT / "web"
    found = [
        f"{name}: {hit[0]}" for name, text in sources(web / "templates", ".jinja") for hit in FETCHED.finditer(text)
    ]
    styles = [*sources(web / "assets", ".css"), *sources(web / "static", ".css")]
    assert styles
    found += [f"{name}: {hit[0]}" for name, text in styles for hit in STYLED.finditer(text)]
    for name, text in (*sources(web / "assets", ".ts", ".svg"), *sources(web / "templates", ".jinja")):
        found += [f"{name}: {hit[0]}" for hit in ELSEWHERE.finditer(text) if not hit[0].startswith(NAMES)]
    assert found == []
