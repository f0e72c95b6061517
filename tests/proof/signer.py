"""`python -m tests.proof.signer`: for each line it reads, a process that signs drafts and delivers what is owed, until
somebody kills it.

It is told by its environment which database, which data folder, who signs and which drafts. A note is printed once its
signature was answered for; leases are short, so that what dies with it is found soon. What loads for seconds is loaded
once, before the forks: kills fall into the work, not into its beginning.
"""

import asyncio
import json
import multiprocessing
import os
import sys
import uuid
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from teleconsult.accounts.actor import SYSTEM, Actor
from teleconsult.accounts.models import Account
from teleconsult.accounts.sessions import actor_of_role
from teleconsult.accounts.stepping_up import Proof
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.delivery import taking
from teleconsult.delivery.filing import file_owed
from teleconsult.directory.models import PractitionerRole
from teleconsult.documents import pdf, press
from teleconsult.documents.press import Press
from teleconsult.errors import TeleconsultError
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.notes.signing import Signing, show_to_sign, sign_note
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import load_settings
from tests import delivery_steps
from tests.people import PASSWORD

SHORT_LEASE = timedelta(seconds=1)
AT_WORK = "at work"
"""Before its process id, which is that of its group."""
ENDED = "ended"
LOADED = pdf  # the printing process of each is a fork, too


def nursery() -> None:
    """One after the other, each from its line on until its end."""
    press.get_context = lambda _way: multiprocessing.get_context("fork")  # type: ignore[attr-defined,assignment]
    for _line in sys.stdin:
        process = os.fork()
        if not process:
            os.setsid()
            asyncio.run(main())
            os._exit(0)
        os.waitpid(process, 0)
        print(ENDED, flush=True)


async def main() -> None:
    """Sign one after the other and deliver beside it."""
    taking.LEASE = SHORT_LEASE  # type: ignore[misc]  # a proof of minutes, not of hours
    told = json.loads(os.environ["PROOF"])
    settings = load_settings(database_url=told["database_url"], data=Path(told["data"]), secret_key=told["secret_key"])
    sessions = make_sessions(make_engine(told["database_url"]), acting="system")
    printing = Press()
    await printing.answer()  # forked before there are threads
    signing = Signing(
        sessions, settings, Objects(open_store(None, settings.data)), Sealer(settings.secret_key), printing
    )
    actor = await _actor(sessions, uuid.UUID(told["role"]))
    print(AT_WORK, os.getpid(), flush=True)
    delivering = asyncio.create_task(_deliver(signing))
    for note_id in map(uuid.UUID, told["notes"]):
        await _sign(signing, actor, note_id)
    await delivering


async def _sign(signing: Signing, actor: Actor, note_id: uuid.UUID) -> None:
    async with transaction(signing.sessions, SYSTEM) as session:
        note = await session.get_one(Composition, note_id)
    if note.status is not CompositionStatus.PRELIMINARY:
        return
    try:
        shown = await show_to_sign(signing, actor, note_id=note_id)
        await sign_note(
            signing,
            actor,
            note_id=note_id,
            version=note.version,
            proof=Proof(password=PASSWORD),
            address="192.0.2.1",
            shown=shown.digest,
        )
    except TeleconsultError as error:
        print(f"refused {type(error).__name__}", file=sys.stderr, flush=True)
        return
    print(note_id, flush=True)


async def _deliver(signing: Signing) -> None:
    outbox = delivery_steps.outbox(signing)
    while True:
        await file_owed(signing.sessions)
        await outbox.run(within=1)
        await asyncio.sleep(0.05)


async def _actor(sessions: Sessions, role_id: uuid.UUID) -> Actor:
    async with transaction(sessions, SYSTEM) as session:
        role = await session.get_one(
            PractitionerRole,
            role_id,
            options=[joinedload(PractitionerRole.practitioner), joinedload(PractitionerRole.organization)],
        )
        account = (await session.scalars(select(Account).where(Account.practitioner_id == role.practitioner_id))).one()
    return actor_of_role(account, role)


if __name__ == "__main__":
    nursery()
