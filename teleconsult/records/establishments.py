"""Which establishments wrote in a file."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.directory.models import Organization
from teleconsult.patients.models import Patient
from teleconsult.patients.queries import PatientFile
from teleconsult.records.kinds import UNLISTED
from teleconsult.records.models import RecordEntry


async def establishments_in(session: AsyncSession, file: PatientFile) -> Sequence[Organization]:
    """Every establishment with an entry that is listed, by name, of a file that the caller has looked up.

    The index is leapt through from one establishment to the next: a file of 10,000 entries costs no more than a
    small one.
    """
    of_file = select(RecordEntry.organization_id).where(RecordEntry.resource_type.not_in(UNLISTED))
    in_turn = of_file.order_by(RecordEntry.organization_id).limit(1)
    wrote = (
        select(
            Patient.id.label("patient_id"),
            in_turn.where(RecordEntry.patient_id == Patient.id).scalar_subquery().label("organization_id"),
        )
        .where(Patient.id.in_(file.patient_ids))
        .cte("wrote", recursive=True)
    )
    after = RecordEntry.organization_id > wrote.c.organization_id
    following = in_turn.where(RecordEntry.patient_id == wrote.c.patient_id, after).scalar_subquery()
    wrote = wrote.union_all(select(wrote.c.patient_id, following).where(wrote.c.organization_id.is_not(None)))
    found = await session.scalars(
        select(Organization)
        .where(Organization.id.in_(select(wrote.c.organization_id)))
        .order_by(Organization.name, Organization.id)
    )
    return found.all()
