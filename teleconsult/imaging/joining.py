"""One instance more of a series that is here: looked up and written in one journey to the database, without a session,
while the disk is made to hold its bytes.

Who sends images one after the other waits for each of them, and nearly all are such.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from teleconsult import audit
from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.audit.models import AuditEvent
from teleconsult.db import Sessions
from teleconsult.imaging.actions import TURN, Instance, Outcome, own_values, turn_of
from teleconsult.imaging.arriving import house_bringing
from teleconsult.imaging.jobs import preparing_lock
from teleconsult.imaging.models import ImagingInstance, ImagingStudy
from teleconsult.pipelines import Insertion, bare_connection, bare_pipeline, driver_sql

_TURN: Final = driver_sql(TURN)
_INSTANCE: Final = Insertion(ImagingInstance)
_EVENT: Final = Insertion(AuditEvent)
_JOIN: Final = f"""
with study as (
    select id from imaging_study
    where organization_id = %(organization_id)s and study_instance_uid = %(study_instance_uid)s
    and (header_patient_id, header_issuer, header_patient_name)
        = (%(header_patient_id)s, %(header_issuer)s, %(header_patient_name)s)
    and header_birth_date is not distinct from %(header_birth_date)s::date
    and exists (select from procrastinate_jobs where queueing_lock = %(lock)s and status = 'todo')
    for update
), series as (
    select imaging_series.id from imaging_series join study on imaging_study_id = study.id
    where series_instance_uid = %(series_instance_uid)s
), added as (
    {_INSTANCE.from_rows("series", imaging_series_id="series.id")}
    on conflict (organization_id, sop_instance_uid) do nothing
    returning imaging_series_id
), counted as (
    update imaging_series set number_of_instances = number_of_instances + 1
    from added where imaging_series.id = added.imaging_series_id
    returning imaging_study_id
), joined as (
    update imaging_study set number_of_instances = number_of_instances + 1
    from counted where imaging_study.id = counted.imaging_study_id
    returning imaging_study.id, imaging_study.patient_id
), told as (
    {_EVENT.from_rows("joined", prefix="event_", entity_id="joined.id", patient_id="joined.patient_id")}
)
select id from joined
"""  # noqa: S608  # names of our own columns
"""Nothing is written where any of it is not as it mostly is: then no row is found."""


async def join_series(
    sessions: Sessions, actor: Actor, instance: Instance, *, hold: Callable[[], Awaitable[None]]
) -> Outcome | None:
    """Store it as `take_arrived` would, and commit; None where that must look closer, and nothing was written.

    That is for all but new instances of a series that is here, under the identity of its study, while the job that
    will make images ready waits already. `hold` ends once the disk holds the object, and raises where it does not: it
    is waited for before a commit. Raises as it and as `take_arrived`.
    """
    header, house_id = instance.header, house_bringing(actor)
    event = audit.event_of(actor, "images-stored", instances=1)
    event.entity_type = ImagingStudy.__tablename__
    asked: dict[str, Any] = {
        **own_values(instance),
        **{f"event_{name}": value for name, value in _EVENT.values(event).items()},
        "turn": turn_of(house_id),
        "lock": preparing_lock(house_id),
        "organization_id": house_id,
        "study_instance_uid": header.study_instance_uid,
        "series_instance_uid": header.series_instance_uid,
        "header_patient_id": header.patient_id,
        "header_issuer": header.patient_issuer,
        "header_patient_name": header.patient_name,
        "header_birth_date": header.birth_date,
    }
    async with bare_connection(sessions) as connection:
        async with bare_pipeline(connection, SYSTEM):
            await connection.execute(_TURN, asked)
            joined = await connection.execute(_JOIN, asked)
        found = await joined.fetchone()
        if found is None:
            return None
        await hold()
        await connection.commit()
    return Outcome(instance.name, None, instance.object_key, found[0])
