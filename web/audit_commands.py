"""`teleconsult audit …`: check the whole log, and sign how far it is."""

import argparse
import asyncio
import sys

from teleconsult.accounts import SYSTEM
from teleconsult.audit.checkpointing import make_checkpoint
from teleconsult.audit.checkpoints import folder_of
from teleconsult.audit.verifying import Verdict, verify
from teleconsult.db import act_as
from teleconsult.settings import Settings
from web.commands import database, opened
from web.i18n import using_locale
from web.words import label


def verify_audit(settings: Settings, _options: argparse.Namespace) -> int:
    """`teleconsult audit verify`: 0 when all holds, else 1 and one line for each fault."""

    async def check(url: str) -> Verdict:
        async with opened(url) as sessions, sessions() as session:
            await act_as(session, SYSTEM)
            return await verify(session, folder_of(settings))

    with database(settings) as urls:
        verdict = asyncio.run(check(urls.app))
    if verdict.is_good:
        print(
            f"good: {verdict.events} events in {verdict.chains} chains, none changed, none missing; {_signed(verdict)}"
        )
        return 0
    with using_locale("en"):
        for finding in verdict.findings:
            print(f"broken: {finding.place}: {label(finding.fault)}")
    if verdict.faults > len(verdict.findings):
        print(f"broken: {verdict.faults - len(verdict.findings)} more faults")
    return 1


def checkpoint(settings: Settings, _options: argparse.Namespace) -> int:
    """`teleconsult audit checkpoint`: sign now, where anything happened since the last time."""

    async def sign(url: str) -> str:
        async with opened(url) as sessions:
            made = await make_checkpoint(sessions, folder_of(settings))
        return (
            f"checkpoint {made.number}: {made.events} events" if made else "nothing happened since the last checkpoint"
        )

    with database(settings) as urls:
        try:
            print(asyncio.run(sign(urls.app)))
        except OSError as error:
            print(f"{folder_of(settings)}: {error.strerror}", file=sys.stderr)
            return 1
    return 0


def _signed(verdict: Verdict) -> str:
    if verdict.last_checkpoint is None:
        return "no checkpoint yet"
    return f"{verdict.checkpoints} checkpoints, the last of {verdict.last_checkpoint:%Y-%m-%d %H:%M:%S} UTC"
