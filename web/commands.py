"""What the command line does besides running: migrate, seed, token, verify, doctor."""

import argparse
import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from migrations import migrate
from teleconsult.access import Purpose
from teleconsult.accounts import SYSTEM
from teleconsult.accounts.token_keys import rotate_keys
from teleconsult.accounts.tokens import EVERY_PURPOSE, issue_token, role_of_account
from teleconsult.db import Sessions, make_engine, make_sessions, transaction
from teleconsult.documents.press import Press
from teleconsult.embedded import DatabaseUrls, embedded_postgresql
from teleconsult.errors import Invalid, TeleconsultError
from teleconsult.health import Parts, State, examine
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.notes.completing import try_again
from teleconsult.notes.standing import Standing, standing_of_file
from teleconsult.notes.verdict import Reason, Verdict
from teleconsult.objects import Objects, open_store
from teleconsult.sealing import Sealer
from teleconsult.settings import Settings, SettingsError
from web.i18n import using_locale
from web.janus_commands import look_at_janus
from web.words import label


@contextlib.contextmanager
def database(settings: Settings, *, anew: bool = False) -> Iterator[DatabaseUrls]:
    """The configured database, or the embedded one, started for as long as somebody needs it."""
    if settings.database_url:
        yield DatabaseUrls(app=settings.database_url, owner=settings.migration_database_url or "")
        return
    with embedded_postgresql(settings.data, anew=anew) as urls:
        yield urls


@contextlib.asynccontextmanager
async def opened(url: str) -> AsyncIterator[Sessions]:
    """Sessions on a database, closed at the end."""
    engine = make_engine(url, pool_size=2)
    try:
        yield make_sessions(engine)
    finally:
        await engine.dispose()


def migrate_database(settings: Settings, _options: argparse.Namespace) -> int:
    """`teleconsult migrate`."""
    with database(settings) as urls:
        if not urls.owner:
            raise SettingsError("TELECONSULT_MIGRATION_DATABASE_URL is needed: the owner's role migrates.")
        migrate(urls.owner)
    return 0


def seed(settings: Settings, _options: argparse.Namespace) -> int:
    """`teleconsult seed --demo`."""
    with database(settings) as urls:
        if urls.owner:
            migrate(urls.owner)
        asyncio.run(seed_demo_at(urls.app, settings))
    return 0


async def seed_demo_at(url: str, settings: Settings) -> None:
    """Fill the demo into the database at `url`; does nothing where it is already there."""
    from teleconsult.demo import seed_demo

    async with opened(url) as sessions:
        await seed_demo(sessions, settings, Objects(open_store(settings.objects_url, settings.data)))


def token(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult token --account EMAIL`: one line, the token."""

    async def issue(url: str) -> str:
        async with opened(url) as sessions, transaction(sessions, SYSTEM) as session:
            return await issue_token(
                session,
                Sealer(settings.secret_key),
                SYSTEM,
                role_id=await role_of_account(session, email=options.account, role=options.role),
                purposes=[Purpose(purpose) for purpose in options.purpose] or EVERY_PURPOSE,
                minutes=options.minutes,
                label="made on the command line",
            )

    with database(settings) as urls:
        try:
            print(asyncio.run(issue(urls.app)))
        except TeleconsultError as error:
            print(*(error.fields.values() if isinstance(error, Invalid) else [error.message]), file=sys.stderr)
            return 1
    return 0


def rotate_token_keys(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult token rotate`: the next token has a new key."""

    async def rotate(url: str) -> None:
        async with opened(url) as sessions, transaction(sessions, SYSTEM) as session:
            await rotate_keys(session, Sealer(settings.secret_key), at_once=options.at_once)

    with database(settings) as urls:
        asyncio.run(rotate(urls.app))
    print("No token made before is good any more." if options.at_once else "Tokens made before stay good for a day.")
    return 0


def verify_note(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult note verify FILE [FILE]`: works without database and network, from the trusted authorities alone.

    With `--standing` it also asks this installation's database whether the note still counts: 1 where it does not.
    """
    from teleconsult.notes.checking import check_paths

    if len(options.files) > 2:
        print("at most two files: the PDF and the FHIR document that was signed with it", file=sys.stderr)
        return 1
    try:
        verdict = check_paths([Path(file) for file in options.files], settings.trust_folder)
    except OSError as error:
        print(f"{error.filename}: {error.strerror}", file=sys.stderr)
        return 1
    with using_locale("en"):
        print(f"{verdict.outcome}: {label(verdict.reason)}")
    for one in verdict.signers:
        told = (one.name, one.registration_number, one.organization, one.signed_at and one.signed_at.isoformat())
        print("signed as", ", ".join(part for part in told if part), "" if one.reason == Reason.GOOD else one.reason)
    if verdict.signed_at:
        print("level", verdict.level or "JWS", verdict.indication)
    if verdict.proven_at:
        print("time proven by", verdict.clock, verdict.proven_at.isoformat())
    stands = not (options.standing and verdict.is_good) or _still_stands(settings, verdict)
    return 0 if verdict.is_good and stands else 1


def retry_evidence(settings: Settings, _options: argparse.Namespace) -> int:
    """`teleconsult note retry-evidence`: owe once more the proofs of time that were given up; the worker makes them."""

    async def ask(url: str) -> int:
        async with opened(url) as sessions, transaction(sessions, SYSTEM) as session:
            return await try_again(session)

    with database(settings) as urls:
        print(asyncio.run(ask(urls.app)), "notes are tried again")
    return 0


def _still_stands(settings: Settings, verdict: Verdict) -> bool:
    """Say what this installation knows of the note."""

    async def ask(url: str) -> Standing | None:
        async with opened(url) as sessions, transaction(sessions, SYSTEM) as session:
            return await standing_of_file(session, verdict)

    with database(settings) as urls:
        standing = asyncio.run(ask(urls.app))
    if standing is None:
        print("unknown here: whether a later version exists has to be asked where it was signed")
    elif standing.withdrawn_at:
        print("withdrawn:", standing.withdrawn_at.isoformat())
    elif standing.replaced_at:
        print("a later version exists:", standing.replaced_by, standing.replaced_at.isoformat())
    else:
        print("the version that counts")
    return standing is None or standing.stands


def doctor(settings: Settings, _options: argparse.Namespace) -> int:
    """`teleconsult doctor`: one line a part, 1 where any of them fails."""

    async def check(url: str) -> int:
        objects = Objects(open_store(settings.objects_url, settings.data))
        press, sandbox = Press(), Sandbox(workers=1)
        try:
            async with opened(url) as sessions:
                readings = await examine(Parts(settings, sessions, objects, press, sandbox))
        finally:
            press.close()
            await sandbox.close()
        for reading in readings:
            measured = ", ".join(f"{name} {value}" for name, value in reading.values.items() if value is not None)
            print(
                f"{reading.state.upper() if reading.state is State.FAIL else reading.state:5} {reading.part}", measured
            )
        is_well, word = await look_at_janus(settings) or (True, "")
        if word:
            print(f"{'ok' if is_well else 'FAIL':5} janus", word)
        return int(not is_well or any(reading.state is State.FAIL for reading in readings))

    with database(settings) as urls:
        return asyncio.run(check(urls.app))
