"""A search as it was asked: which parameters count, how the answer is to be cut and put in order (R4 §3.1.1.5)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from teleconsult.fhir.asking import Asked
from teleconsult.fhir.outcomes import BadSearch
from teleconsult.fhir.searching import Position, alternatives
from teleconsult.fhir.subsets import with_elements, without_text

COUNT: Final = 20
MOST: Final = 100
MOST_PARAMETERS: Final = 50
MOST_ALTERNATIVES: Final = 200
POSITION: Final = "_position"
FORMAT: Final = frozenset({"_format", "_pretty"})
"""About the answer's spelling, not about what is searched."""
RESULT: Final = frozenset({"_count", "_sort", "_total", "_summary", "_elements", "_include", "_revinclude", POSITION})


@dataclass(slots=True)
class Question:
    """What is searched (`criteria`), and how the answer is wanted."""

    criteria: list[tuple[str, str]] = field(default_factory=list)
    count: int = COUNT
    sort: str = ""
    """The name of what it is put in order of; empty where nothing is said: then the latest come first."""
    is_ascending: bool = False
    has_total: bool = True
    is_counted_only: bool = False
    includes: set[str] = field(default_factory=set)
    revincludes: set[str] = field(default_factory=set)
    elements: frozenset[str] = frozenset()
    """What of each resource is wanted; all of it where nothing is said."""
    has_text: bool = True
    after: Position | None = None
    used: list[tuple[str, str]] = field(default_factory=list)
    """What was understood: the self link says it (R4 §3.1.1.2)."""

    @property
    def wants_total(self) -> bool:
        """Whether to say how many there are on all pages."""
        return self.has_total or self.is_counted_only

    def total_of(self, found: Sequence[object]) -> int | None:
        """How many there are, where a first page that was asked one more than it shows says it by itself."""
        is_all = self.after is None and not self.is_counted_only and len(found) <= self.count
        return len(found) if is_all and self.wants_total else None

    def cut(self, resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
        """As much of each as is wanted."""
        if self.elements:
            return [with_elements(resource, self.elements) for resource in resources]
        return [resource if self.has_text else without_text(resource) for resource in resources]

    def address(self, asked: Asked, *, after: Position | None = None) -> str:
        """Where this search stands, or its next page; a search that came as a form goes on by GET (R4 §3.1.1.1)."""
        pairs = [pair for pair in self.used if after is None or pair[0] != POSITION]
        if after is not None:
            pairs.append((POSITION, str(after)))
        query = urlencode(pairs, quote_via=quote, safe=":|,/$")
        path = "/".join(segment for segment in asked.segments if segment != "_search")
        return f"{asked.server}/{path}" + (f"?{query}" if query else "")


@dataclass(frozen=True, slots=True)
class Grammar:
    """What may be said in a search of one type: its parameters, each with the modifiers and chains it takes."""

    parameters: Mapping[str, str]
    """Whole names (`code`, `patient.identifier`, `subject:Patient`), and R4's type of each."""
    sorts: Mapping[str, str] = field(default_factory=dict)
    """What it may be put in order of, and the name that it is known by here."""
    includes: Collection[str] = ()
    revincludes: Collection[str] = ()
    has_subsets: bool = False
    """Whether part of each resource may be asked for."""


def read_question(asked: Asked, grammar: Grammar) -> Question:
    """What is asked for. A parameter that is not known is left out, or refused where `handling=strict` is preferred.

    Raises BadSearch for what cannot be read, and for a modifier that a parameter does not take (R4 §3.1.1.4.4).
    """
    if len(asked.parameters) > MOST_PARAMETERS:
        raise BadSearch({"": "Search by fewer parameters."})
    question, unknown = Question(), {}
    bases = {name.partition(":")[0].partition(".")[0] for name in grammar.parameters}
    for name, value in asked.parameters:
        if name in FORMAT or not value:
            continue
        if name in RESULT:
            known = _take(question, grammar, name, value)
        elif name in grammar.parameters:
            if len(alternatives(value)) > MOST_ALTERNATIVES:
                raise BadSearch({name: "Give fewer values at once."})
            question.criteria.append((name, value))
            known = True
        elif ":" in name and name.partition(":")[0] in bases:
            raise BadSearch({name: "This parameter does not take that modifier."})
        else:
            known = False
        if known:
            question.used.append((name, value))
        else:
            unknown[name] = "This parameter is not supported here."
    if unknown and asked.is_strict:
        raise BadSearch(unknown)
    return question


def values_of(question: Question, *names: str) -> list[str]:
    """What was given for these parameters, once for each time."""
    return [value for name, value in question.criteria if name in names]


def moment_after(position: Position) -> datetime:
    """The time a page begins at. Raises BadSearch for a position in order of something else."""
    try:
        return position.moment
    except (ValueError, OverflowError) as error:
        raise _changed() from error


def _changed() -> BadSearch:
    return BadSearch({POSITION: "Follow the links of a Bundle as they are."})


def _take(question: Question, grammar: Grammar, name: str, value: str) -> bool:
    """Whether a parameter about the answer is understood. Raises BadSearch where its value makes no sense."""
    match name:
        case "_count":
            if not (value.isascii() and value.isdecimal()) or len(value) > 9:
                raise BadSearch({name: "Give a number from 0."})
            question.count = min(int(value), MOST)
            question.is_counted_only |= question.count == 0
        case "_sort":
            return _sorted(question, grammar.sorts, value.split(","))
        case "_total":
            question.has_total = value in ("accurate", "estimate")
            return value in ("accurate", "none")
        case "_summary":
            return _summarized(question, grammar, value)
        case "_elements":
            names = frozenset(value.split(","))
            if not grammar.has_subsets or not all(name.isascii() and name.isalpha() for name in names):
                return False
            question.elements |= names
        case "_include" | "_revinclude":
            chosen = question.includes if name == "_include" else question.revincludes
            offered = grammar.includes if name == "_include" else grammar.revincludes
            if value not in offered:
                return False
            chosen.add(value)
        case _:
            try:
                question.after = Position.parse(value)
            except (ValueError, OverflowError) as error:
                raise _changed() from error
    return True


def _summarized(question: Question, grammar: Grammar, value: str) -> bool:
    """How much of each: how many there are, the narrative with what is required, or all but the narrative."""
    if value == "text" and grammar.has_subsets:
        question.elements |= {"text"}
    elif value == "data" and grammar.has_subsets:
        question.has_text = False
    else:
        question.is_counted_only |= value == "count"
        return value in ("count", "false")
    return True


def _sorted(question: Question, sorts: Mapping[str, str], wanted: Sequence[str]) -> bool:
    """One thing to be in order of; what does not decide further is enough to say once."""
    name = wanted[0].removeprefix("-")
    if len(wanted) != 1 or name not in sorts:
        return False
    question.sort, question.is_ascending = sorts[name], not wanted[0].startswith("-")
    return True
