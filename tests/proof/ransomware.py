"""The drill: whoever has the app's user and its database password destroys all they reach; the backup brings it back.

`python -m tests.proof.ransomware`: an installation signs notes and is backed up, sealed for a key that is elsewhere, to
a place that another user takes it to. Then a process that can reach its data folder and its database as the app, and
nothing else of this machine (`jail.py`), destroys for up to a minute. From the backup comes a new installation, which
is read whole: every note that was acknowledged before the last run of the backup, its signature, the audit log. What
is signed after it and lost with the machine is lost: that is why runs are five minutes apart.
"""

import asyncio
import hashlib
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

from sqlalchemy import select

from migrations import migrate
from teleconsult.accounts.actor import SYSTEM
from teleconsult.audit.checkpointing import make_checkpoint
from teleconsult.audit.checkpoints import folder_of
from teleconsult.backups.making import Task, make_backup
from teleconsult.backups.places import Stream, names_in
from teleconsult.backups.proving import prove as read_whole
from teleconsult.backups.restoring import restore
from teleconsult.backups.vault import make_identity, read_identities
from teleconsult.db import make_engine, make_sessions, transaction
from teleconsult.embedded import APP, BACKUP, DATABASE, embedded_postgresql, prepare_backups
from teleconsult.imaging.receiving import Receiver
from teleconsult.imaging.sandbox import Sandbox
from teleconsult.notes.checking import check_paths
from teleconsult.notes.models import Composition, CompositionStatus
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings
from tests.mllp_peers import accepts, mllp_peer
from tests.people import SECRET
from tests.proof.acts import Acts
from tests.proof.cluster import Cluster
from tests.proof.destruction import destroy
from tests.proof.figures import Bound, Figure, limit, run
from tests.proof.jail import INSIDE, NOBODY, let_loose, refusal
from tests.proof.place import Place, place

DRILLS: Final = int(limit(1, 20))
SECONDS: Final = 300.0, 4 * 3600.0
DESTROYS: Final = limit(60, 60)
"""Seconds it has; it ends before, when nothing more gives way."""
NOTES: Final = 4
"""Before each of the two runs of the backup."""
TAKER: Final = NOBODY + 1
"""The user of the backup's own machine."""
HBA: Final = f"""
local {DATABASE} {APP} scram-sha-256
local all all reject
host all all 127.0.0.1/32 trust
host replication all 127.0.0.1/32 trust
"""
"""By the socket, which the app has, with the app's password alone; by loopback, which it is not let to, this proof."""


async def prove(folder: Path, figure: Figure) -> None:
    """One drill."""
    reach, root, drawer = folder / "reach", folder / "backup", folder / "drawer"
    for path in (reach, root, drawer):
        path.mkdir(mode=0o700)
    folder.chmod(0o711)
    reach.chmod(0o711)
    os.chown(root, TAKER, TAKER)
    sockets = reach / "sockets"
    (folder / "hba.conf").write_text(HBA)
    (folder / "hba.conf").chmod(0o644)
    told = (f"unix_socket_directories={sockets}", f"hba_file={folder / 'hba.conf'}")
    cluster = Cluster(folder / "postgresql", settings=told)
    cluster.own(sockets)
    sockets.chmod(0o755)
    cluster.create()
    cluster.start()
    try:
        urls = cluster.prepare()
        prepare_backups(cluster.superuser_url())
        password = secrets.token_urlsafe(24)
        cluster.order(f"alter role {APP} password '{password}'")
        await asyncio.to_thread(migrate, urls.owner)
        settings = Settings(data=reach / "data", secret_key=SECRET, backup_recipients=make_identity(drawer / "key"))
        async with mllp_peer(accepts) as peer, place(urls, settings.data, peer) as where:
            url = f"postgresql://{BACKUP}@127.0.0.1:{cluster.port}/postgres"
            for _run in range(2):
                await _sign(where)
                await make_checkpoint(where.sessions, folder_of(settings))
                await asyncio.to_thread(_pull, settings, url, root)
            acknowledged = await _notes(where.signing.sessions)
        _give_away(settings.data)
        inside = f"postgresql://{APP}:{password}@/{DATABASE}?host=/{INSIDE}/sockets&port={cluster.port}"
        held = _state_of(root)
        began = time.monotonic()
        said = let_loose(
            reach, folder / "jail", lambda at: destroy(at / "data", inside, DESTROYS), seconds=DESTROYS + 30
        )
        figure.found |= {"destroyed": said, "in, s": round(time.monotonic() - began, 1)}
        if any(path.is_file() for path in settings.data.rglob("*")) or not said.split()[0].isdigit():
            figure.fault(f"it did not destroy what it could: {said}")
        if _state_of(root) != held:
            figure.fault("it touched the backup")
    finally:
        cluster.kill()
    shutil.rmtree(cluster.folder)
    await _restored(folder, root, drawer / "key", acknowledged, figure)


async def _sign(where: Place) -> None:
    """Notes that are acknowledged, with images and times beside them."""
    sandbox = Sandbox(workers=1)
    objects = where.signing.objects
    receiver = Receiver(sessions=where.sessions, objects=objects, sandbox=sandbox, file_limit=10_000_000)
    acts = Acts(where.signing, receiver, where.actors)
    try:
        for _ in range(NOTES):
            case = await where.next_case()
            for act in acts.of_a_case.values():
                assert await act(case)
        await acts.deliver()
    finally:
        await sandbox.close()


def _pull(settings: Settings, url: str, root: Path) -> None:
    """As the backup's own user takes it from the stream: what is there is never written again."""
    taking = subprocess.Popen(
        ["tar", "-x", "--keep-old-files", "-C", str(root)],
        stdin=subprocess.PIPE, user=TAKER, group=TAKER, extra_groups=[], umask=0o077, cwd="/",
    )  # fmt: skip
    assert taking.stdin
    stream = Stream(taking.stdin)
    make_backup(Task(settings, open_store(None, settings.data), url, stream, frozenset(names_in(root))))
    stream.close()
    taking.stdin.close()
    assert taking.wait(60) == 0


async def _notes(sessions: "object") -> dict[str, bytes]:
    """Key and hash of each signed PDF."""
    async with transaction(sessions, SYSTEM) as session:  # type: ignore[arg-type]
        rows = await session.scalars(select(Composition).where(Composition.status == CompositionStatus.FINAL))
        return {str(row.pdf_object_key): row.pdf_sha256 or b"" for row in rows}


def _give_away(data: Path) -> None:
    """The app's own user has its data folder; here that is who destroys."""
    for path in (data, *data.rglob("*")):
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def _state_of(root: Path) -> list[tuple[str, int, int]]:
    return sorted((name, (root / name).stat().st_size, (root / name).stat().st_mtime_ns) for name in names_in(root))


async def _restored(folder: Path, root: Path, key: Path, acknowledged: dict[str, bytes], figure: Figure) -> None:
    """A new installation, and everything in it read."""
    settings, began = Settings(data=folder / "new", secret_key=SECRET), time.monotonic()
    came = await asyncio.to_thread(restore, settings, root, read_identities(key))
    objects, whole = Objects(open_store(None, settings.data)), 0
    with embedded_postgresql(settings.data) as urls:
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        proof = await read_whole(sessions, settings, objects, erased=came.erased)
        found = await _notes(sessions)
        await engine.dispose()
    if not proof.is_good:
        figure.fault(f"audit log {proof.log.findings}, objects {proof.stored.found}"[:500])
    for object_key, digest in acknowledged.items():
        if found.get(object_key) != digest:
            figure.fault(f"lost: {object_key}")
            continue
        content = await objects.get(object_key)
        (folder / "note.pdf").write_bytes(content)
        verdict = await asyncio.to_thread(check_paths, [folder / "note.pdf"], settings.trust_folder)
        if hashlib.sha256(content).digest() != digest or not verdict.is_good:
            figure.fault(f"does not verify: {object_key} {verdict.outcome}")
        else:
            whole += 1
    figure.found |= {
        "acknowledged notes": len(acknowledged),
        "restored, and their signatures verify": whole,
        "events of the audit log": proof.log.events,
        "objects": proof.stored.objects,
        "restored within, s": round(time.monotonic() - began, 1),
    }


def main() -> list[Figure]:
    """The figure of one run."""
    figure, bound = Figure("ransomware drill", DRILLS, "drills", skipped=refusal()), Bound(*SECONDS)
    while not figure.skipped and figure.tried < DRILLS and not bound.is_over:
        with tempfile.TemporaryDirectory(prefix="teleconsult-proof-", ignore_cleanup_errors=True) as folder:
            (Path(folder) / "jail").mkdir()
            asyncio.run(prove(Path(folder), figure))
        figure.tried += 1
    return [figure]


if __name__ == "__main__":
    run(main)
