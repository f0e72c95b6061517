"""The demonstration's templates and phrases, for all specialists of the establishment that answers."""

import json
from importlib.resources import files

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.demo.people import Cast
from teleconsult.directory.models import Specialty
from teleconsult.notes.phrasing import PhraseText, TemplateText, add_phrase, add_template


async def add_phrasing(session: AsyncSession, cast: Cast) -> None:
    """What is often written after a neurological or a trauma consult, in French."""
    told = json.loads((files("teleconsult.demo") / "phrasing.json").read_text(encoding="utf-8"))
    specialist = cast.actors["specialist"]
    for one in told["templates"]:
        text = TemplateText(one["name"], Specialty(one["specialty"]), one["sections"])
        await add_template(session, specialist, written=text, is_shared=True)
    for one in told["phrases"]:
        await add_phrase(session, specialist, written=PhraseText(one["shortcut"], one["text"]), is_shared=True)
