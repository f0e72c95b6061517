"""What a lot that arrives must know of its establishment's images, and the rows it leaves there: one journey each.

Studies and series that are here are read as plain objects of no session: what of them changes is written below.
"""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from psycopg.rows import class_row
from sqlalchemy import ARRAY, Text, Uuid, any_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.audit.models import AuditEvent
from teleconsult.imaging.actions import TURN, Instance, turn_of
from teleconsult.imaging.jobs import preparing_lock
from teleconsult.imaging.known import HELD_OBJECTS, Known
from teleconsult.imaging.models import ImagingInstance, ImagingSeries, ImagingStudy
from teleconsult.jobs import IS_WAITING
from teleconsult.objects import Objects
from teleconsult.pipelines import Insertion, driver_sql, pipeline

_NAMED: Final = (
    ImagingStudy.organization_id == bindparam("house", type_=Uuid),
    ImagingStudy.study_instance_uid == any_(bindparam("studies", type_=ARRAY(Text))),
)
_TURN: Final = driver_sql(TURN)
_HELD: Final = driver_sql(HELD_OBJECTS)
_STUDIES: Final = driver_sql(select(ImagingStudy).where(*_NAMED).order_by(ImagingStudy.id).with_for_update())
_SERIES: Final = driver_sql(select(ImagingSeries).join(ImagingStudy).where(*_NAMED))
_WAITS: Final = driver_sql(IS_WAITING)

_INSTANCE: Final = Insertion(ImagingInstance)
_EVENT: Final = Insertion(AuditEvent)
_COUNT_SERIES: Final = "update imaging_series set number_of_instances = %s where id = %s"
_COUNT_STUDY: Final = (
    "update imaging_study set modalities = %s, number_of_series = %s, number_of_instances = %s where id = %s"
)


@dataclass(frozen=True, slots=True)
class AtHand:
    """What there is already of what the lot belongs to, locked."""

    known: Known
    studies: Mapping[str, ImagingStudy]
    """By their UIDs."""
    series: Sequence[ImagingSeries]
    """All of these studies."""
    is_preparing_due: bool
    """Whether a job waits already that will make images ready."""


async def at_hand(
    session: AsyncSession, house_id: uuid.UUID, instances: Sequence[Instance], objects: Objects
) -> AtHand:
    """Take the establishment's turn, then look. The session is the system's."""
    asked = {
        "turn": turn_of(house_id),
        "house": house_id,
        "uids": list({one.header.sop_instance_uid for one in instances}),
        "studies": list({one.header.study_instance_uid for one in instances}),
        "lock": preparing_lock(house_id),
    }
    async with pipeline(session) as connection:
        await connection.execute(_TURN, asked)
        held = await connection.execute(_HELD, asked)
        studies = await connection.cursor(row_factory=class_row(ImagingStudy)).execute(_STUDIES, asked)
        series = await connection.cursor(row_factory=class_row(ImagingSeries)).execute(_SERIES, asked)
        waits = await connection.execute(_WAITS, asked)
    return AtHand(
        Known.told(objects, await held.fetchall()),
        {study.study_instance_uid: study for study in await studies.fetchall()},
        await series.fetchall(),
        (await waits.fetchall())[0][0],
    )


async def write_rows(
    session: AsyncSession,
    *,
    instances: Sequence[dict[str, Any]],
    series: Collection[ImagingSeries],
    studies: Collection[ImagingStudy],
    events: Sequence[AuditEvent],
) -> None:
    """Add the instances (`instance_values`), the events, and what their series and studies count by now."""
    counted = [(one.modalities, one.number_of_series, one.number_of_instances, one.id) for one in studies]
    async with pipeline(session) as connection, connection.cursor() as cursor:
        await cursor.executemany(_INSTANCE.sql, instances)
        await cursor.executemany(_COUNT_SERIES, [(one.number_of_instances, one.id) for one in series])
        await cursor.executemany(_COUNT_STUDY, counted)
        await cursor.executemany(_EVENT.sql, [_EVENT.values(one) for one in events])
