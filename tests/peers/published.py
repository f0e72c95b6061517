"""The 262 DICOM files that pydicom publishes, in itself and as `pydicom-data`, and what becomes of each here.

`python -m tests.peers.published` writes `docs/published-files.md`.
"""

import asyncio
import hashlib
import importlib.util
import tempfile
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
import pydicom.data
from sqlalchemy import select
from sqlalchemy.orm import undefer

from migrations import migrate
from teleconsult.accounts.actor import Actor
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.directory.models import Organization, OrganizationKind
from teleconsult.embedded import embedded_postgresql
from teleconsult.imaging.models import ImagingInstance
from teleconsult.imaging.receiving import Received
from teleconsult.imaging.refusals import SENTENCES, Refusal, Unreadable
from teleconsult.imaging.rendering import Drawing
from teleconsult.imaging.renditions import Renditions
from tests.people import Cast, make_cast
from tests.teleconsult.imaging.steps import Door, door

PAGE: Final = Path(__file__).parents[2] / "docs" / "published-files.md"
_PYDICOM: Final = Path(pydicom.data.__file__).parent
_DATA: Final = Path(importlib.util.find_spec("data_store").submodule_search_locations[0]) / "data"  # type: ignore[union-attr, index]  # a test dependency
_ROOTS: Final = {
    "test_files": _PYDICOM / "test_files",
    "charset_files": _PYDICOM / "charset_files",
    "palettes": _PYDICOM / "palettes",
    "pydicom-data": _DATA,
}
_KINDS: Final = {".dcm", "", ".gz"}
FILES: Final = {
    f"{name}/{path.relative_to(root)}": path
    for name, root in _ROOTS.items()
    for path in sorted(root.rglob("*"))
    if path.is_file() and path.suffix in _KINDS
}
"""By the name they have on the page."""
FEWEST_KEPT: Final = 235
FEWEST_DRAWN: Final = 165

_JAPANESE: Final = ("Yamada^Tarou", "山田^太郎", "やまだ^たろう")
_HALF_WIDTH: Final = ("ﾔﾏﾀﾞ^ﾀﾛｳ", "山田^太郎", "やまだ^たろう")
NAMES: Final = {
    "chrArab": ("قباني^لنزار",),
    "chrFren": ("Buc^Jérôme",),
    "chrFrenMulti": ("Buc^Jérôme",),
    "chrGerm": ("Äneas^Rüdiger",),
    "chrGreek": ("Διονυσιος",),
    "chrH31": _JAPANESE,
    "chrH32": _HALF_WIDTH,
    "chrHbrw": ("שרון^דבורה",),
    "chrI2": ("Hong^Gildong", "洪^吉洞", "홍^길동"),
    "chrJapMulti": ("やまだ^たろう",),
    "chrJapMultiExplicitIR6": ("やまだ^たろう",),
    "chrKoreanMulti": ("김희중",),
    "chrRuss": ("Люкceмбypг",),
    "chrX1": ("Wang^XiaoDong", "王^小東"),
    "chrX2": ("Wang^XiaoDong", "王^小东"),
    "chrSQEncoding": _HALF_WIDTH,
    "chrSQEncoding1": _HALF_WIDTH,
}
"""The patient's name in each file of `charset_files`, as its makers meant it; in the last two within a sequence."""


@dataclass(frozen=True, slots=True)
class Fate:
    """Of one file: why it was not kept or not drawn; "" where it was."""

    not_kept: str
    not_drawn: str = ""
    is_same: bool = True
    """What is given back has the same bytes."""
    name: tuple[str, ...] = ()
    """The patient's, in its forms, as the metadata tell it."""


async def fates(opened: Door, sessions: Sessions, actor: Actor, names: Sequence[str]) -> dict[str, Fate]:
    """Store and draw these of `FILES`.

    Many carry the UID of another one: an establishment keeps one of these, so the next establishment gets the rest.
    """
    told: dict[str, Fate] = {}
    waiting = list(names)
    while waiting:
        async with transaction(sessions) as session:
            place = Organization(name="Clinic", kind=OrganizationKind.CLINIC, time_zone="UTC", sharing_network=None)
            session.add(place)
        sender = replace(actor, organization_id=place.id)
        files = [Received(name, FILES[name]) for name in waiting]
        arrivals = await opened.receiver.receive_arrived(sender, files=files)
        kept = await _kept_by(sessions, place)
        later = []
        for name, arrival in zip(waiting, arrivals, strict=True):
            content = await asyncio.to_thread(FILES[name].read_bytes)
            row = kept.pop(hashlib.sha256(content).digest(), None)
            if row is not None:
                told[name] = await _fate_of(opened, row, content)
            elif arrival.refusal in (None, Refusal.OTHER_BYTES, Refusal.OTHER_PATIENT):
                later.append(name)
            else:
                told[name] = Fate(arrival.refusal.value)
        assert len(later) < len(waiting), later
        waiting = later
    return {name: told[name] for name in names}


async def _kept_by(sessions: Sessions, place: Organization) -> dict[bytes, ImagingInstance]:
    """What an establishment has, by the SHA-256 of its bytes."""
    theirs = select(ImagingInstance).where(ImagingInstance.organization_id == place.id)
    async with transaction(sessions) as session:
        return {row.sha256: row for row in await session.scalars(theirs.options(undefer(ImagingInstance.dicom_json)))}


async def _fate_of(opened: Door, row: ImagingInstance, content: bytes) -> Fate:
    given = b"".join([piece async for piece in opened.objects.stream(row.object_key)])
    assert row.dicom_json
    told = orjson.loads(zlib.decompress(row.dicom_json))
    fate = Fate("", row.not_displayable_because, given == content, _name_in(told))
    if fate.not_drawn:
        return fate
    renditions = Renditions(sandbox=opened.sandbox, objects=opened.objects, folder=opened.folder / "copies")
    try:
        picture = await renditions.drawn(row, 1, Drawing())
    except Unreadable as error:
        return replace(fate, not_drawn=error.refusal.value)
    assert picture.startswith(b"\xff\xd8")
    return fate


def _name_in(told: dict[str, Any]) -> tuple[str, ...]:
    """The forms of the first patient's name at any depth."""
    for tag, element in told.items():
        for value in element.get("Value", []):
            if tag == "00100010":
                return tuple(value.values())
            if element["vr"] == "SQ" and (found := _name_in(value)):
                return found
    return ()


def page(told: dict[str, Fate]) -> str:
    """The page of all of them."""
    kept = [name for name, fate in told.items() if not fate.not_kept]
    drawn = [name for name in kept if not told[name].not_drawn]
    sets = [name for name, fate in told.items() if NAMES.get(Path(name).stem) == fate.name]
    lines = [
        "# Published files",
        "",
        f"What becomes here of the {len(told)} files that pydicom publishes to try programs with, many broken on",
        "purpose: those in pydicom itself and in PyPI's `pydicom-data`. Made by `python -m tests.peers.published`.",
        "",
        f"* **{len(kept)} are kept**, and given back byte for byte",
        f"* **{len(drawn)} are drawn**; the others hold no image, or are refused in words",
        f"* {len(sets)} of {len(NAMES)} files in as many character sets tell the patient's name rightly",
        "* none of them harms more than the worker that reads it",
        "",
        "Several carry the UID of another one, of which one establishment keeps one; so they were brought to several.",
        "",
        "| why not kept | files |",
        "|---|---|",
        *_counted(fate.not_kept for fate in told.values()),
        "",
        "| why kept, but not drawn | files |",
        "|---|---|",
        *_counted(told[name].not_drawn for name in kept),
        "",
        "| file | kept | drawn |",
        "|---|---|---|",
        *(f"| {name} | {_verdict(fate.not_kept)} | {_drawn(fate)} |" for name, fate in told.items()),
    ]
    return "\n".join(lines) + "\n"


def _counted(reasons: Any) -> list[str]:
    counted = Counter(reason for reason in reasons if reason)
    return [f"| {SENTENCES[Refusal(reason)]} | {count} |" for reason, count in counted.most_common()]


def _verdict(reason: str) -> str:
    return reason or "yes"


def _drawn(fate: Fate) -> str:
    return "–" if fate.not_kept else _verdict(fate.not_drawn)


@asynccontextmanager
async def _place() -> AsyncIterator[tuple[Door, Sessions, Cast]]:
    with tempfile.TemporaryDirectory() as folder, embedded_postgresql(Path(folder)) as urls:
        migrate(urls.owner)
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        async with transaction(sessions) as session:
            cast = await make_cast(session)
        async with door(sessions, Path(folder)) as opened:
            yield opened, sessions, cast
        await engine.dispose()


async def everything() -> dict[str, Fate]:
    """All of them, in a database of their own."""
    async with _place() as (opened, sessions, cast):
        return await fates(opened, sessions, cast.rural, list(FILES))


if __name__ == "__main__":
    PAGE.write_text(page(asyncio.run(everything())))
