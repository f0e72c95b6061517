"""What is printed of a file or a consult: plain words in their order, and the page they make.

The words come ready, in the language of who prints: it is their copy. A note is different: it speaks the language it
was written in, and is signed (`documents.pdf`).
"""

from dataclasses import dataclass
from typing import Any, Final

import jinja2
from markupsafe import Markup

_ENVIRONMENT: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("teleconsult.documents"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass(frozen=True, slots=True)
class Value:
    """A line of a table of measurements. `assessment` says in words what else only a colour would say."""

    name: str
    value: str
    reference: str = ""
    assessment: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry. What has a `struck` counts no longer: it is printed struck through, with that reason."""

    title: str
    when: str = ""
    source: str = ""
    badges: tuple[str, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    values: tuple[Value, ...] = ()
    text: str = ""
    struck: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """What stands under one heading; `empty` is said where there is nothing."""

    heading: str
    remarks: tuple[str, ...] = ()
    lines: tuple[tuple[str, str], ...] = ()
    text: str = ""
    items: tuple[Item, ...] = ()
    empty: str = ""


@dataclass(frozen=True, slots=True)
class Printout:
    """The whole. `foot` names the patient on every page; `page_of` is "Page %(page)s of %(pages)s" in words."""

    language: str
    house: str
    title: str
    subtitle: str
    foot: str
    identity: tuple[tuple[str, str], ...]
    printed: tuple[str, ...]
    """Who printed it, when, and why."""
    warnings: tuple[str, ...]
    parts: tuple[Part, ...]
    page_of: str


def printout_html(printout: Printout) -> str:
    """The page, complete in itself. About 0.1 ms an entry: many of them are laid out beside the event loop."""
    page_of = Markup(printout.page_of) % {  # noqa: S704  # the words are our own
        "page": Markup('<span class="page"></span>'),
        "pages": Markup('<span class="pages"></span>'),
    }
    return _ENVIRONMENT.get_template("printout.html.jinja").render(printout=printout, page_of=page_of)


def render_html(html: str) -> bytes:
    """The page as PDF. It fetches nothing. Takes seconds of the processor: for a process of its own."""
    from weasyprint import CSS, HTML

    from teleconsult.documents.pdf import NoFetcher

    loader: Any = _ENVIRONMENT.loader
    style = CSS(string=loader.get_source(_ENVIRONMENT, "printout.css")[0], url_fetcher=NoFetcher())
    rendered: bytes = HTML(string=html, url_fetcher=NoFetcher()).write_pdf(stylesheets=[style])
    return rendered
