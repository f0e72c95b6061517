"""Reading FHIR R4 data types out of JSON that may be anything: what is odd reads as nothing."""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final


def dicts(value: object) -> Iterator[Mapping[str, Any]]:
    """The objects of a JSON list; nothing where it is none."""
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, Mapping))


def as_text(value: object) -> str:
    """A JSON string, or nothing."""
    return value if isinstance(value, str) else ""


def words_of(concept: object) -> str:
    """A CodeableConcept in words: its text, else a coding's display, else its code."""
    if not isinstance(concept, Mapping):
        return ""
    if text := as_text(concept.get("text")):
        return text
    codings = list(dicts(concept.get("coding")))
    return next((text for key in ("display", "code") for c in codings if (text := as_text(c.get(key)))), "")


def code_of(concept: object) -> str:
    """The first code of a CodeableConcept."""
    if not isinstance(concept, Mapping):
        return ""
    return next((code for c in dicts(concept.get("coding")) if (code := as_text(c.get("code")))), "")


def all_words(concepts: object) -> str:
    """Several CodeableConcepts in one line."""
    return ", ".join(text for concept in dicts(concepts) if (text := words_of(concept)))


def period_text(value: object) -> str:
    """A Period as `2024-03-01 → 2024-03-08`; one day once, an open end left open."""
    if not isinstance(value, Mapping):
        return ""
    start, end = as_text(value.get("start"))[:10], as_text(value.get("end"))[:10]
    return start if start == end else f"{start} → {end}".strip()


def narrative_text(narrative: object) -> str:
    """The words of a Narrative (XHTML), a line a block. What is no markup, though it looks like it, is words."""
    if not isinstance(narrative, Mapping):
        return ""
    words = "".join(_words_in(as_text(narrative.get("div"))))
    lines = (" ".join(line.split()) for line in words.split("\n"))
    return "\n".join(line for line in lines if line)


INSIDE: Final = "/inside"
"""Ends the address of the file that is the body of a document."""


def attachment_of(resource: Mapping[str, Any], *, inside: bool = False) -> Mapping[str, Any]:
    """The attachment of a DocumentReference whose bytes we keep: its address is the entry's own. Empty for others."""
    address = f"Binary/{resource.get('id')}{INSIDE if inside else ''}"
    found = (item.get("attachment") for item in dicts(resource.get("content")))
    return next((one for one in found if isinstance(one, Mapping) and one.get("url") == address), {})


def kept_type(resource: Mapping[str, Any], *, inside: bool = False) -> str:
    """The media type of a document whose bytes we keep, or of the file that is its body. Empty for any other."""
    return as_text(attachment_of(resource, inside=inside).get("contentType"))


_BLOCKS: Final = frozenset({"br", "div", "h1", "h2", "h3", "li", "p", "td", "th", "tr"})
_SILENT: Final = frozenset({"script", "style"})
_MARKUP: Final = re.compile(
    r"""<!--.*?(?:-->|\Z)|<[!?][^>]*(?:>|\Z)|<(/?)([A-Za-z][^\s<>/"']*+)(?:[^<>"']|"[^"<]*"|'[^'<]*')*+>""", re.DOTALL
)
"""A comment, a declaration, or a tag. No part of it is looked at twice: whoever writes a file chooses its text, and a
parser that begins anew at each `<` takes minutes for 60 KB of them."""
_NO_CHARACTER: Final = re.compile(r"&#(?:\d{8,}|[xX][0-9a-fA-F]{8,});?")
"""A number beyond all characters: it can have more digits than Python reads."""


def _words_in(markup: str) -> Iterator[str]:
    """The text between the tags, and the end of a line where a block begins or ends."""
    end, is_silent = 0, False
    for found in _MARKUP.finditer(markup):
        if not is_silent:
            yield _unescaped(markup[end : found.start()])
        end = found.end()
        closing, tag = found[1], (found[2] or "").lower()
        if tag:
            is_silent = tag in _SILENT and not closing
        if tag in _BLOCKS:
            yield "\n"
    if not is_silent:
        yield _unescaped(markup[end:])


def _unescaped(text: str) -> str:
    return html.unescape(_NO_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", text.replace("\n", " ")))
