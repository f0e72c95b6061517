"""Reading FHIR R4 data types out of JSON that may be anything: what is odd reads as nothing."""

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
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
    """The words of a Narrative (XHTML), a line a block."""
    if not isinstance(narrative, Mapping):
        return ""
    words = _Words()
    words.feed(as_text(narrative.get("div")))
    words.close()
    lines = (" ".join(line.split()) for line in "".join(words.parts).split("\n"))
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


class _Words(HTMLParser):
    """Collects text, and breaks the line where a block begins or ends."""

    blocks: Final = frozenset({"br", "div", "h1", "h2", "h3", "li", "p", "td", "th", "tr"})
    silent: Final = frozenset({"script", "style"})

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._is_silent = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_silent = tag in self.silent
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        self._is_silent = False
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self._is_silent:
            self.parts.append(data.replace("\n", " "))

    def _break(self, tag: str) -> None:
        if tag in self.blocks:
            self.parts.append("\n")
