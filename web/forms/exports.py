"""What somebody asks to take out of a file or a consult."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Self

from teleconsult.errors import Invalid
from teleconsult.exports.asking import ExportFormat, Wish, read_wish
from teleconsult.records.kinds import EntryKind
from teleconsult.records.narrowing import Narrowing
from web.forms.records import FileQuery


@dataclass(frozen=True, slots=True)
class ExportForm:
    """The form as it was filled in; each is the text of its field. A kind has a field of its own: `kind-problems`."""

    format: str = ExportFormat.PDF.value
    reason: str = ""
    words: str = ""
    since: str = ""
    until: str = ""
    kinds: frozenset[EntryKind] = frozenset()

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """Nothing in it is refused yet."""
        named = {name: fields.get(name, "").strip() for name in ("reason", "words", "since", "until")}
        kinds = frozenset(kind for kind in EntryKind if f"kind-{kind.value}" in fields)
        return cls(format=fields.get("format", ExportFormat.PDF.value), kinds=kinds, **named)

    def wish(self) -> Wish:
        """Raises Invalid as `read_wish`."""
        return read_wish(format=self.format, reason=self.reason, words=self.words)

    def of_file(self, zone: tzinfo) -> tuple[Narrowing, Wish]:
        """Which part of a file, with days on the clock of `zone`, and how. Raises Invalid."""
        wrong: dict[str, str] = {}
        only = wish = None
        try:
            only = FileQuery(since=self.since, until=self.until).narrowing(zone)
        except Invalid as error:
            wrong |= error.fields
        try:
            wish = self.wish()
        except Invalid as error:
            wrong |= error.fields
        if only is None or wish is None:
            raise Invalid(wrong)
        return replace(only, kinds=self.kinds), wish
