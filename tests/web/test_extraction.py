"""Words are found wherever the sources say them to a person."""

from pathlib import Path

from babel.messages.catalog import Catalog

from web.extraction import messages_in_python, messages_in_template, updated

SOURCE = """
LABEL = lazy_gettext("Neurology")

def act(message: str = "There is nothing."):
    raise Refused("It is over.", when=now)

def check(form):
    raise Invalid({"question": "Say what you ask.", "n": sentence}, n=3)

def collect(errors):
    errors["family"] = "Give the family name."
    names["family"] = "not for people"

def page():
    _("Hello %(name)s", name=name)
    ngettext("%(n)s image", "%(n)s images", n)
    log.info("not for people")
    _(variable)
"""


def test_python_is_read_by_its_syntax() -> None:
    assert {message for _line, message in messages_in_python(SOURCE)} == {
        "Neurology",
        "There is nothing.",
        "It is over.",
        "Say what you ask.",
        "Give the family name.",
        "Hello %(name)s",
        ("%(n)s image", "%(n)s images"),
    }


def test_templates_are_read_by_jinja(tmp_path: Path) -> None:
    page = tmp_path / "page.html.jinja"
    page.write_text(
        '{{ _("Home") }}{{ ngettext("%(n)s day", "%(n)s days", n, n=n) }}{% trans x=1 %}\n  At {{ x }}\n{% endtrans %}'
    )
    messages = {message for _line, message in messages_in_template(page)}
    assert messages == {"Home", ("%(n)s day", "%(n)s days"), "At %(x)s"}


def test_update_keeps_what_was_translated_and_forgets_what_is_gone() -> None:
    template = Catalog()
    template.add("Close")
    template.add("A message that is new")
    fresh = updated("en", template)
    assert {message.id: message.string for message in fresh if message.id} == {
        "Close": "Close",
        "A message that is new": "A message that is new",
    }
    assert not fresh.fuzzy
