"""Patients to link, merge and compare."""

from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import Actor
from teleconsult.clock import now
from teleconsult.directory.models import RoleCode
from teleconsult.patients.models import AdministrativeGender, Patient
from teleconsult.patients.registering import Identity, register_patient
from tests.people import Cast, another_person


def fresh(actor: Actor) -> Actor:
    """The same, who has just confirmed that it is them."""
    return replace(actor, factor_at=now())


async def registered(session: AsyncSession, actor: Actor, family: str = "Gagné", **traits: Any) -> Patient:
    """A patient of the actor's establishment; born 1980-05-02 unless told otherwise."""
    known = {"given": "Luc", "gender": AdministrativeGender.MALE, "birth_date": date(1980, 5, 2), **traits}
    return await register_patient(session, actor, identity=Identity(family=family, **known), is_someone_else=True)


async def provincial_doctor(session: AsyncSession, cast: Cast) -> Actor:
    """A doctor of the hospital that shares with the rural centre."""
    return await another_person(session, cast, "provincial", RoleCode.DOCTOR)
