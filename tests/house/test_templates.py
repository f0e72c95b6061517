"""Every word of a template can be translated, and every form carries its token."""

import re
from pathlib import Path

import pytest

TEMPLATES = Path(__file__).parent.parent.parent / "web" / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*.jinja"))
NOT_WORDS = {"Téléconsult", "nbsp", "ndash", "hellip", "middot", "times", "rarr"}

JINJA = re.compile(r"{#.*?#}|{%.*?%}|{{.*?}}", re.DOTALL)
TRANSLATED = re.compile(r"{%-?\s*trans\b.*?endtrans\s*-?%}", re.DOTALL)
CLASSES = re.compile(r"{% block (?:main_class|surface) %}.*?{% endblock %}")
TAG = re.compile(r'<(?:[^>"]|"[^"]*")*>')
ATTRIBUTE = re.compile(r'[\w-]+="[^"]*"')
SPOKEN = re.compile(r'\b(?:aria-label|title|placeholder|alt)="([^"]*)"')
WORD = re.compile(r"[^\W\d_]{2,}")


@pytest.mark.parametrize("name", NAMES)
def test_every_word_goes_through_gettext(name: str) -> None:
    bare = JINJA.sub(" ", CLASSES.sub("", TRANSLATED.sub(" ", (TEMPLATES / name).read_text())))
    said = [ATTRIBUTE.sub(" ", TAG.sub(" ", bare)), *SPOKEN.findall(bare)]
    assert {word for text in said for word in WORD.findall(text)} - NOT_WORDS == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_post_carries_its_token(name: str) -> None:
    """A form written by hand holds the field itself; those made by the `form` macro have it already."""
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", (TEMPLATES / name).read_text(), re.DOTALL):
        assert "csrf_token" in form or "csrf_field" in form, form[:200]
