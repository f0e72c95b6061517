"""Every mail in every language, with all it is to say and nothing left open."""

import re

import jinja2
import pytest

from teleconsult.documents.letters import LOCALES, TEMPLATES, LetterKind, write_letter
from teleconsult.messages.message import Message

MESSAGE = Message(
    "Consult no. 1042: a time was proposed", "What happened", "https://clinic.example/consults/1", "1", 60
)
VALUES = {
    "name": "Dr Hélène Tremblay",
    "code": "01234567",
    "link": "https://clinic.example/sign-in/reset/abc",
    "sign_in": "https://clinic.example/sign-in",
    "minutes": 30,
    "number": 1042,
    "opener": "Dr Marc Gagnon",
    "opener_establishment": "Centre de santé de l’Anse",
    "establishment": "CHU de la Capitale",
    "message": MESSAGE,
    "choices": "https://clinic.example/account",
}
SAID = {
    LetterKind.SIGN_IN_CODE: ["0123 4567", "30"],
    LetterKind.PASSWORD_RESET: [VALUES["link"], "30"],
    LetterKind.INVITATION: [VALUES["link"], "7"],
    LetterKind.PASSWORD_CHANGED: [VALUES["sign_in"]],
    LetterKind.FACTORS_CHANGED: [VALUES["sign_in"]],
    LetterKind.GLASS_BROKEN: [
        VALUES["opener"],
        VALUES["opener_establishment"],
        VALUES["establishment"],
        VALUES["link"],
    ],
    LetterKind.NEWS: [MESSAGE.body, MESSAGE.link, VALUES["choices"]],
}


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", LetterKind)
def test_every_kind_in_every_language(kind: LetterKind, locale: str) -> None:
    letter = write_letter(kind, locale=locale, values=VALUES)
    assert letter.subject
    assert "\n" not in letter.subject
    assert "0123" not in letter.subject
    assert all(str(said) in letter.body for said in (VALUES["name"], *SAID[kind]))
    assert not re.search(r"[{}]|\n\n\n", letter.body)
    others = {write_letter(kind, locale=other, values=VALUES).body for other in LOCALES}
    assert len(others) == len(LOCALES)


def test_there_is_no_letter_too_many() -> None:
    assert {path.name for path in TEMPLATES.iterdir()} == {
        f"{kind}.{locale}.txt.jinja" for kind in LetterKind for locale in LOCALES
    }


def test_an_unknown_language_is_french_and_a_missing_value_an_error() -> None:
    assert write_letter(LetterKind.SIGN_IN_CODE, locale="de", values=VALUES) == write_letter(
        LetterKind.SIGN_IN_CODE, locale="fr", values=VALUES
    )
    with pytest.raises(jinja2.UndefinedError):
        write_letter(LetterKind.SIGN_IN_CODE, locale="fr", values={})
