"""Mails as text: what kind, in whose language, to a subject and a body. Never a patient, never a diagnosis."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final

import jinja2

TEMPLATES: Final = Path(__file__).parent / "templates" / "mail"
LOCALES: Final = ("fr", "en", "vi")


class LetterKind(StrEnum):
    """What a mail is for. Each has a template in every language."""

    SIGN_IN_CODE = "sign-in-code"
    PASSWORD_RESET = "password-reset"  # noqa: S105  # the name of a kind
    INVITATION = "invitation"
    PASSWORD_CHANGED = "password-changed"  # noqa: S105  # the same
    FACTORS_CHANGED = "factors-changed"
    GLASS_BROKEN = "glass-broken"
    NEWS = "news"


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail's words."""

    subject: str
    body: str


def write_letter(kind: LetterKind, *, locale: str, values: Mapping[str, object]) -> Letter:
    """The words in that language (French where it is none of ours): the template's first line is the subject.

    Raises jinja2.UndefinedError where the template wants a value that was not given.
    """
    language = locale if locale in LOCALES else LOCALES[0]
    text = _environment().get_template(f"{kind}.{language}.txt.jinja").render(values)
    subject, _, body = text.partition("\n")
    return Letter(subject.strip(), body.strip() + "\n")


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=False,  # noqa: S701  # plain text: there is nothing to escape
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
