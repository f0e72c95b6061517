"""What lies in the object store is read and compared: whole, rotten, gone, erased while somebody looks."""

import hashlib
import json
import re
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions, transaction
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects
from teleconsult.settings import Settings
from teleconsult.stored import scrubbing
from teleconsult.stored.scrubbing import CHANGED, FILE, MISSING, read_round, scrub, scrub_when_due
from teleconsult.stored.sources import PASSING, SOURCES, Source, is_named, keys_named, named_after
from teleconsult.tables import metadata
from tests import note_steps
from tests.people import Cast
from tests.teleconsult.notes.conftest import press, signing

__all__ = ["press", "signing"]
FAST = 1 << 40


def test_every_column_that_names_an_object_is_read() -> None:
    pattern = re.compile(r"(^|_)(object|file|preview)_key$")
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.sorted_tables
        for column in table.columns
        if pattern.search(column.name)
    }
    assert columns == {source.name for source in SOURCES} | PASSING


async def damages(sessions: Sessions) -> list[dict[str, object]]:
    async with transaction(sessions) as session:
        told = select(AuditEvent.detail).where(AuditEvent.action == "object-damaged").order_by(AuditEvent.recorded_at)
        return list((await session.scalars(told)).all())


async def test_rot_is_found_told_once_a_round_and_forgotten_once_mended(
    cast: Cast, signing: Signing, sessions: Sessions, settings: Settings
) -> None:
    note = (await note_steps.signed(cast, signing)).note
    objects: Objects = signing.objects
    whole = await scrub(sessions, objects, settings.data, pace=FAST)
    assert (whole.damaged, whole.objects) == (0, 3), "its PDF is also the first of its revisions"
    assert whole.size > 1000
    assert whole.finished_at

    pdf, bundle = objects.path_of(str(note.pdf_object_key)), objects.path_of(str(note.bundle_object_key))
    assert pdf and bundle
    good = pdf.read_bytes()
    pdf.write_bytes(good[:500] + bytes([good[500] ^ 4]) + good[501:])
    kept = bundle.read_bytes()
    bundle.unlink()
    found = await scrub(sessions, objects, settings.data, pace=FAST)
    assert [(one.source, one.key, one.fault) for one in found.standing] == [
        ("composition.pdf_object_key", note.pdf_object_key, CHANGED),
        ("composition.bundle_object_key", note.bundle_object_key, MISSING),
        ("note_evidence.object_key", note.pdf_object_key, CHANGED),
    ]
    assert [one["fault"] for one in await damages(sessions)] == [CHANGED, MISSING, CHANGED]
    assert read_round(settings.data).standing == found.standing

    pdf.write_bytes(good)
    bundle.write_bytes(kept)
    assert not (await scrub(sessions, objects, settings.data, pace=FAST)).standing
    assert len(await damages(sessions)) == 3


async def test_a_turn_goes_on_where_the_last_one_stopped_and_a_round_rests(
    cast: Cast, signing: Signing, sessions: Sessions, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await note_steps.signed(cast, signing)
    begun = await scrub(sessions, signing.objects, settings.data, pace=FAST, seconds=0)
    assert not begun.finished_at
    assert begun.objects == 0
    path = settings.data / FILE
    state = json.loads(path.read_text())
    path.write_text(json.dumps(state | {"place": 1}))
    done = await scrub(sessions, signing.objects, settings.data, pace=FAST)
    assert done.objects == 2, "the PDF stood before the place it went on from"
    again = await scrub_when_due(sessions, signing.objects, settings.data, seconds=60, rest=timedelta(days=1))
    assert again.finished_at == done.finished_at
    with scrubbing._alone(settings.data):
        assert (await scrub(sessions, signing.objects, settings.data)).finished_at == done.finished_at


async def test_it_reads_no_faster_than_it_may(
    cast: Cast, signing: Signing, sessions: Sessions, settings: Settings
) -> None:
    await note_steps.signed(cast, signing)
    begun = time.monotonic()
    state = await scrub(sessions, signing.objects, settings.data, pace=100_000)
    assert time.monotonic() - begun >= state.size / 100_000 * 0.9


async def test_what_was_erased_meanwhile_is_no_damage(cast: Cast, signing: Signing, sessions: Sessions) -> None:
    note = (await note_steps.signed(cast, signing)).note
    source: Source = SOURCES[0]
    async with transaction(sessions) as session:
        (named,) = await named_after(session, source, None, 10)
        assert named.key == note.pdf_object_key
        assert hashlib.sha256(await signing.objects.get(named.key)).digest() == named.sha256
        assert await is_named(session, source, named)
        other = type(named)(named.row_id, "note/00/another", named.sha256, None)
        assert not await is_named(session, source, other)
        wanted = [named.key, "note/00/another", f"documents/00/{'0' * 32}"]
        assert await keys_named(session, wanted) == {named.key}
