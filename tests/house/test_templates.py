"""Every word of a template can be translated, and every form carries its token."""

import re
from html.parser import HTMLParser
from pathlib import Path

TEMPLATES = Path(__file__).parent.parent.parent / "web" / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.jinja"))
STYLES = TEMPLATES.parent / "assets" / "styles"
NOT_WORDS = {"Téléconsult", "nbsp", "ndash", "hellip", "middot", "times", "rarr"}

JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
TRANSLATED = re.compile(r"{%-?\s*trans\b.*?endtrans\s*-?%}", re.DOTALL)
CLASSES = re.compile(r"{% block (?:main_class|surface) %}.*?{% endblock %}")
TAG = re.compile(r'<(?:[^>"]|"[^"]*")*>')
ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')
SPOKEN = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
WORD = re.compile(r"[^\W\d_]{2,}")


def test_every_word_goes_through_gettext() -> None:
    missed = {}
    for name in NAMES:
        bare = JINJA.sub(" ", CLASSES.sub("", TRANSLATED.sub(" ", (TEMPLATES / name).read_text())))
        said = [ATTRIBUTE.sub(" ", TAG.sub(" ", bare)), *SPOKEN.findall(bare)]
        missed[name] = {word for text in said for word in WORD.findall(text)} - NOT_WORDS
    assert {name: words for name, words in missed.items() if words} == {}


def test_every_post_carries_its_token() -> None:
    """A form written by hand holds the field itself; those made by the `form` macro have it already."""
    for name in NAMES:
        for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", (TEMPLATES / name).read_text(), re.DOTALL):
            assert "csrf_token" in form or "csrf_field" in form, (name, form[:200])


def test_a_link_covers_its_own_row_alone() -> None:
    """`.row-link` is spread over the nearest element that is positioned: without one, over the whole page."""
    rules = "".join(path.read_text() for path in STYLES.glob("*.css"))
    positioned = set(re.findall(r"\.([\w-]+) {\n    position: relative;", rules))
    for name in NAMES:
        bare = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}", " ", (TEMPLATES / name).read_text(), flags=re.DOTALL)
        rows = _Rows()
        rows.feed(bare)
        assert all(classes & positioned for classes in rows.around), name


class _Rows(HTMLParser):
    """The classes of all that stands around each `.row-link`."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[tuple[str, set[str]]] = []
        self.around: list[set[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        classes = set((dict(attrs).get("class") or "").split())
        if "row-link" in classes and self.open:  # a macro's stands in the row of who calls it
            self.around.append(set().union(*(outer for _, outer in self.open)))
        self.open.append((tag, classes))

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop()[0] != tag:
            pass
