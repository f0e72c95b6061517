"""Fill an empty database with the demonstration, once."""

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from teleconsult.accounts.actor import SYSTEM
from teleconsult.accounts.models import Account
from teleconsult.db import Sessions, transaction
from teleconsult.demo.consults import Consults
from teleconsult.demo.duty import add_duty
from teleconsult.demo.hours import add_hours
from teleconsult.demo.images import Images
from teleconsult.demo.patients import add_patients
from teleconsult.demo.people import ACCOUNTS, add_people
from teleconsult.demo.phrasing import add_phrasing
from teleconsult.demo.senders import add_senders
from teleconsult.demo.signers import enrol_signers
from teleconsult.documents.press import Press
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.messages.telling import tell_people
from teleconsult.notes.signing import Signing
from teleconsult.objects import Objects
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings


async def seed_demo(sessions: Sessions, settings: Settings, objects: Objects) -> None:
    """Add the demonstration; does nothing where one of its accounts exists."""
    async with transaction(sessions, SYSTEM) as session:
        known = select(Account.id).where(func.lower(Account.email).in_(ACCOUNTS)).limit(1)
        if await session.scalar(known) is not None:
            return
        cast = await add_people(session)
        patients = await add_patients(session, cast)
        await add_duty(session, cast)
        await add_hours(session, cast)
        await add_phrasing(session, cast)
        add_senders(session, cast)
    await enrol_signers(sessions, settings)
    press, sandbox = Press(), Sandbox(workers=1)
    receiver = Receiver(sessions=sessions, objects=objects, sandbox=sandbox, file_limit=settings.upload_file_limit)
    signing = Signing(sessions, settings, objects, Sealer(settings.secret_key), press)
    try:
        images = Images(receiver)
        await Consults(signing, cast, patients, images).add()
        # One letter is missing, so it waits until somebody says whose it is.
        await images.send(cast.organizations["rural"], patient=patients["blais"], typed="BLAIS^NORMAN", study="chest")
    finally:
        press.close()
        await sandbox.close()
    async with transaction(sessions, SYSTEM) as session:
        await _tell_nobody(session)


async def _tell_nobody(session: AsyncSession) -> None:
    """What happened before anybody could sign in is news to nobody: bells and mailboxes begin empty."""
    untold = text("delete from procrastinate_jobs where task_name = :name and status = 'todo'")
    await session.execute(untold, {"name": tell_people.name})
