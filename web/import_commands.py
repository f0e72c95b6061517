"""`teleconsult import`: the files of another system, with progress and a report of what was refused and why."""

import argparse
import asyncio
import json
import signal
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path

from sqlalchemy import select

from teleconsult.accounts import SYSTEM, Actor
from teleconsult.db import Sessions, transaction
from teleconsult.directory.models import Organization
from teleconsult.fhir.importing import LARGEST, Report, import_bundle
from teleconsult.settings import Settings
from web.commands import database, opened


def import_bundles(settings: Settings, options: argparse.Namespace) -> int:
    """0 = everything was filed or known; 1 = something was refused, or it was stopped; 2 = it could not begin."""
    files = sorted(Path(options.folder).glob("*.json")) if Path(options.folder).is_dir() else []
    if not files:
        print(f"There is no folder {options.folder}, or no .json file in it.", file=sys.stderr)
        return 2
    stopped = threading.Event()
    before = signal.signal(signal.SIGINT, lambda _number, _frame: stopped.set())
    try:
        with database(settings) as urls:
            report = asyncio.run(_import(urls.app, files, options.establishment, stopped))
    finally:
        signal.signal(signal.SIGINT, before)
    if report is None:
        print(f"There is no establishment {options.establishment}. Give its whole name or its id.", file=sys.stderr)
        return 2
    _tell(report)
    if options.report:
        lines = [json.dumps(asdict(one), ensure_ascii=False) for one in report.refused]
        Path(options.report).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return 1 if report.refused or report.files < len(files) else 0


async def _import(url: str, files: list[Path], establishment: str, stopped: threading.Event) -> Report | None:
    """File by file until all are done, or Ctrl+C after the one in hand: what is done stays."""
    report = Report()
    async with opened(url) as sessions:
        actor = await _actor(sessions, establishment)
        if actor is None:
            return None
        for number, path in enumerate(files, 1):
            if stopped.is_set():
                print(f"Stopped after {number - 1} of {len(files)} files. Run it again to go on.", file=sys.stderr)
                break
            if path.stat().st_size > LARGEST:
                report.refuse(path.name, 0, "Bundle", "The file is larger than 256 MB.")
                continue
            content = await asyncio.to_thread(path.read_bytes)
            await import_bundle(sessions, actor, content, name=path.name, report=report)
            print(
                f"{number} of {len(files)}: {report.filed.total()} entries, {len(report.refused)} refused", flush=True
            )
    return report


async def _actor(sessions: Sessions, establishment: str) -> Actor | None:
    async with transaction(sessions, SYSTEM) as session:
        found = await session.scalars(select(Organization))
        house = next((one for one in found if establishment in (one.name, str(one.id))), None)
    return replace(SYSTEM, organization_id=house.id, name="import") if house else None


def _tell(report: Report) -> None:
    print(
        f"Patients registered: {report.patients}; entries filed: {report.filed.total()}; known before: {report.known}."
    )
    for title, counted in (("Filed", report.filed), ("Left out, being no part of a file", report.left_out)):
        if counted:
            print(f"{title}: {', '.join(f'{count} {kind}' for kind, count in counted.most_common())}.")
    for one in report.refused[:20]:
        print(f"Refused: {one.file}, {f'entry {one.entry}, ' if one.entry else ''}{one.kind}: {one.why}")
    if len(report.refused) > 20:
        print(f"… and {len(report.refused) - 20} more; --report FILE writes them all.")
