"""The privacy officers of the patient's establishment are told at once, in words that name no patient."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from sqlalchemy import select, update

from teleconsult import jobs
from teleconsult.clock import now
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import PractitionerRole
from teleconsult.patients.models import BreakGlass
from teleconsult.settings import Settings
from tests.glass_steps import REASON, opened
from tests.people import Cast


async def test_the_privacy_officer_is_told(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    await opened(cast, sessions)
    await work(settings, sessions)
    (mail,) = mails(settings)
    assert mail["To"] == cast.emails["privacy"]
    words = mail.get_content()
    assert cast.specialist.name in words
    assert f"{settings.base_url}/audit/break-glass" in words
    for secret in ("Bélanger", "BÉLANGER", "Rose", cast.patient.local_number, REASON, str(cast.patient.id)):
        assert secret not in mail.as_string()
        assert secret not in words
    async with transaction(sessions) as session:
        opening = await session.scalar(select(BreakGlass))
        assert opening is not None
        assert opening.notified_at is not None
        assert (opening.notified_at - opening.started_at).total_seconds() < 60


async def test_an_establishment_without_one_has_its_administrators_told(
    cast: Cast, sessions: Sessions, settings: Settings
) -> None:
    async with transaction(sessions) as session:
        admin = await session.get_one(PractitionerRole, cast.admin.role_id)
        session.add(
            PractitionerRole(
                practitioner_id=admin.practitioner_id,
                organization_id=cast.patient.organization_id,
                code=admin.code,
            )
        )
        await session.execute(
            update(PractitionerRole).where(PractitionerRole.id == cast.privacy.role_id).values(ended_at=now())
        )
    await opened(cast, sessions)
    await work(settings, sessions)
    assert [mail["To"] for mail in mails(settings)] == [cast.emails["admin"]]


async def test_nobody_to_tell_is_no_failure(cast: Cast, sessions: Sessions, settings: Settings) -> None:
    await opened(cast, sessions, patient=cast.patient_elsewhere, actor=cast.nurse)
    await work(settings, sessions)
    assert not mails(settings)
    async with transaction(sessions) as session:
        assert await session.scalar(select(BreakGlass.notified_at)) is None


def mails(settings: Settings) -> list[EmailMessage]:
    files = sorted((settings.data / "mail").glob("*.eml"))
    found = [message_from_bytes(file.read_bytes(), policy=default) for file in files]
    return [mail for mail in found if isinstance(mail, EmailMessage)]


async def work(settings: Settings, sessions: Sessions) -> None:
    async with jobs.connected(settings.database_url or "") as app:
        await app.run_worker_async(
            wait=False,
            listen_notify=False,
            install_signal_handlers=False,
            additional_context={"sessions": sessions, "settings": settings},
        )
