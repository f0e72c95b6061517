"""Putting images into the file: the one function every door ends in; and setting right whose they are."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import delete, exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult import audit
from teleconsult.access import rows
from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.consults.events import tell_consult
from teleconsult.consults.models import ServiceRequest
from teleconsult.consults.queries import consult_for
from teleconsult.consults.states import Verb, require
from teleconsult.errors import NotFound, Refused
from teleconsult.excerpts.models import ExcerptStudy
from teleconsult.imaging.cataloguing import instance_keys
from teleconsult.imaging.entering import is_settled
from teleconsult.imaging.filing import BroughtStudies, file_study, note_identity, share_study
from teleconsult.imaging.header import InstanceHeader
from teleconsult.imaging.known import Known
from teleconsult.imaging.models import ImagingInstance, ImagingRendition, ImagingSeries, ImagingStudy
from teleconsult.imaging.refusals import Refusal
from teleconsult.objects import Objects
from teleconsult.records.models import EntryStatus, RecordEntry

TURN: Final = text("select pg_advisory_xact_lock(hashtextextended(:turn, 0))")


@dataclass(frozen=True, slots=True)
class Instance:
    """A file that was read and whose bytes are kept under `object_key`; `size` in bytes."""

    name: str
    header: InstanceHeader
    size: int
    sha256: bytes
    object_key: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file: stored (then it has its `object_key`), already there, or refused."""

    name: str
    refusal: Refusal | None = None
    object_key: str | None = None
    study_id: uuid.UUID | None = None


async def consult_to_fill(
    session: AsyncSession, actor: Actor, consult_id: uuid.UUID, *, lock: bool = False
) -> ServiceRequest:
    """The consult, if this actor may bring images to it now. Raises NotFound, Forbidden, Refused."""
    consult = await consult_for(session, actor, consult_id, lock=lock)
    require(consult, actor, Verb.ADD_IMAGES)
    return consult


async def store_instances(
    session: AsyncSession,
    actor: Actor,
    *,
    consult_id: uuid.UUID,
    instances: Sequence[Instance],
    objects: Objects,
) -> list[Outcome]:
    """Add the instances to the requesting establishment's studies of the consult's patient.

    An instance that is here with the same data set stays as it is; the same UID with another is refused, and so is
    a study of another patient. Each study is compared with the patient's name, filed in the timeline once it agrees,
    shared where the consult was submitted, and audited. Raises as `consult_to_fill`.
    """
    consult = await consult_to_fill(session, actor, consult_id, lock=True)
    return await store_in(session, actor, consult, instances=instances, objects=objects)


async def store_in(
    session: AsyncSession,
    actor: Actor,
    consult: ServiceRequest,
    *,
    instances: Sequence[Instance],
    objects: Objects,
    act: str = "images-stored",
    **detail: str,
) -> list[Outcome]:
    """As `store_instances`, for who was allowed it by another rule than the table of states; the consult is locked.

    `act` and `detail` are what the audit says of it.
    """
    rows = BroughtStudies(session, consult)
    await take_turn(session, consult.requester_organization_id)
    known = await Known.of(session, consult.requester_organization_id, instances, objects)
    touched: dict[ImagingStudy, int] = {}
    outcomes = []
    for instance in instances:
        study = await rows.study_of(instance.header)
        if isinstance(study, Refusal):
            outcomes.append(Outcome(instance.name, study))
        elif instance in known:
            touched.setdefault(study, 0)
            outcomes.append(Outcome(instance.name, await known.refusal_of(instance), None, study.id))
        else:
            known.add(instance)
            note_identity(study, consult.patient, instance.header)
            session.add(instance_row(await rows.series_of(study, instance.header), study, instance))
            touched[study] = touched.get(study, 0) + 1
            outcomes.append(Outcome(instance.name, None, instance.object_key, study.id))
    await session.flush()
    for study, count in touched.items():
        await file_study(session, actor, study, series=rows.all_series_of(study))
        await share_study(session, consult, study)
        audit.record(
            session,
            actor,
            act,
            study,
            patient_id=study.patient_id,
            consult=consult.id,
            instances=count,
            identity_differs=study.identity_differs,
            **detail,
        )
    if any(touched.values()) and consult.submitted_at:
        await tell_consult(session, "ConsultImagesAdded", consult)
    return outcomes


async def reconcile_study(session: AsyncSession, actor: Actor, *, study_id: uuid.UUID) -> ImagingStudy:
    """The requester says that images under another name are this patient's: only then do they enter the patient's file.

    The consult shares them before that too, under a warning both sides see. Raises NotFound and Forbidden as
    `consult_to_fill`; saying it twice changes nothing.
    """
    study, consult = await _own_study(session, actor, study_id)
    if not is_settled(study):
        study.reconciled_at, study.reconciled_by_id = now(), actor.role_id
        audit.record(session, actor, "study-reconciled", study, patient_id=study.patient_id, consult=consult.id)
        await file_study(session, actor, study)
    return study


async def remove_study(session: AsyncSession, actor: Actor, *, study_id: uuid.UUID) -> tuple[uuid.UUID, list[str]]:
    """Take a study brought in by mistake out again, while nobody else was shown it.

    Returns the consult it stood in, and the keys of its objects for the caller to delete after the commit.
    Raises as `consult_to_fill`, and Refused once it was shared, and for what did not come with the consult.
    """
    study, consult = await _own_study(session, actor, study_id)
    if await session.scalar(select(exists().where(ExcerptStudy.imaging_study_id == study.id))):
        raise Refused("These images were shared already. They can no longer be removed.")
    if study.source:
        raise Refused("These images were sent by an imaging system. They stay in the file.")
    count, keys = await delete_images(session, study)
    entry = await session.scalar(select(RecordEntry).where(RecordEntry.source_id == study.id))
    if entry is not None:
        entry.status, entry.version = EntryStatus.ENTERED_IN_ERROR, entry.version + 1
    audit.record(
        session, actor, "study-removed", study, patient_id=study.patient_id, consult=consult.id, instances=count
    )
    await session.flush()
    return consult.id, keys


async def delete_images(session: AsyncSession, study: ImagingStudy) -> tuple[int, list[str]]:
    """Delete the rows of a study the caller may remove: how many instances it had, and the keys of its objects and of
    what was made of them, which are for the caller to delete afterwards.
    """
    of_study = ImagingInstance.imaging_series_id.in_(
        select(ImagingSeries.id).where(ImagingSeries.imaging_study_id == study.id)
    )
    of_instances = ImagingRendition.imaging_instance_id.in_(select(ImagingInstance.id).where(of_study))
    made = await session.scalars(delete(ImagingRendition).where(of_instances).returning(ImagingRendition.object_key))
    packs = {key for key in made if key}
    keys = list(await session.scalars(delete(ImagingInstance).where(of_study).returning(ImagingInstance.object_key)))
    await session.execute(delete(ImagingSeries).where(ImagingSeries.imaging_study_id == study.id))
    await session.delete(study)
    return len(keys), [*keys, *packs]


async def _own_study(session: AsyncSession, actor: Actor, study_id: uuid.UUID) -> tuple[ImagingStudy, ServiceRequest]:
    """The study and the consult it was brought in for, which is locked first, as by every other act on it."""
    of_own_house = ImagingStudy.id == study_id, rows.studies_of_house(actor)
    consult_id = await session.scalar(select(ImagingStudy.service_request_id).where(*of_own_house))
    if consult_id is None:
        raise NotFound
    consult = await consult_to_fill(session, actor, consult_id, lock=True)
    study = await session.scalar(
        select(ImagingStudy)
        .where(*of_own_house, ImagingStudy.service_request_id == consult_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if study is None:  # removed, or brought in for another consult, while we waited
        raise NotFound
    return study, consult


async def take_turn(session: AsyncSession, organization_id: uuid.UUID) -> None:
    """One establishment's images are stored one lot after the other: two of the same then cannot collide on a UID."""
    await session.execute(TURN, {"turn": turn_of(organization_id)})


def turn_of(organization_id: uuid.UUID) -> str:
    """What `TURN` is taken by."""
    return f"imaging {organization_id}"


def instance_row(series: ImagingSeries, study: ImagingStudy, instance: Instance) -> ImagingInstance:
    """The row of a file that is kept, counted with its series and its study."""
    return ImagingInstance(**instance_values(series, study, instance))


def instance_values(series: ImagingSeries, study: ImagingStudy, instance: Instance) -> dict[str, Any]:
    """As `instance_row`, every column by its name: a session's objects cost more than all else."""
    series.number_of_instances += 1
    study.number_of_instances += 1
    return {**own_values(instance), "organization_id": study.organization_id, "imaging_series_id": series.id}


def own_values(instance: Instance) -> dict[str, Any]:
    """Every column of the row of a file that is kept, but for those that say whose it is."""
    header = instance.header
    return {
        "id": uuid.uuid4(),
        "sop_instance_uid": header.sop_instance_uid,
        "sop_class_uid": header.sop_class_uid,
        "transfer_syntax_uid": header.transfer_syntax_uid,
        "number": header.instance_number,
        "rows": header.rows,
        "columns": header.columns,
        "frames": header.frames,
        "window_center": header.window_center,
        "window_width": header.window_width,
        "not_displayable_because": header.not_displayable_because,
        "size": instance.size,
        "sha256": instance.sha256,
        "data_set_sha256": None,
        "object_key": instance.object_key,
        "created_at": now(),
        "prepared_at": None,
        **instance_keys(header),
    }
