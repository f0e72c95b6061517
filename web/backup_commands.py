"""`teleconsult backup`, `restore` and `scrub`."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import psycopg

from teleconsult.backups.database import DatabaseRefused
from teleconsult.backups.making import Task, make_backup
from teleconsult.backups.manifests import check
from teleconsult.backups.places import Folder, Stream, names_in
from teleconsult.backups.proving import Proof, prove
from teleconsult.backups.pruning import prune
from teleconsult.backups.restoring import restore
from teleconsult.backups.vault import BackupRefused, Unopened, make_identity, read_identities, unseal
from teleconsult.clock import now
from teleconsult.embedded import embedded_postgresql
from teleconsult.objects import Objects, open_store
from teleconsult.settings import Settings, SettingsError
from teleconsult.stored.orphans import find_orphans
from teleconsult.stored.scrubbing import PACE, scrub
from web.commands import database, opened

MIB = 1024 * 1024
KEEP_DAYS = 30


def add_backups(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """The commands, and what they take."""
    backup = verbs.add_parser("backup", help="add what is new to a backup, sealed for a key kept elsewhere")
    backup.add_argument("folder", metavar="DIR", nargs="?", help="where to; - for a tar stream on standard output")
    backup.add_argument("--base", action="store_true", help="begin with a new base backup of the database")
    backup.add_argument("--have", metavar="FILE", help="with -: names that are held already, a line each; - reads them")
    backup.add_argument("--check", action="store_true", help="hold every file of DIR against the manifests instead")
    backup.add_argument(
        "--prune",
        action="store_true",
        help="on the machine that pulls: take away what is not needed to go back to any moment of the last --keep days",
    )
    backup.add_argument("--keep", type=int, default=KEEP_DAYS, metavar="DAYS", help="with --prune: %(default)s days")
    backup.add_argument("--identity", metavar="FILE", help="with --check: also open every file, with this secret key")
    backup.add_argument("--new-key", metavar="FILE", help="make a secret key in FILE, print its public half")
    backup.set_defaults(command=back_up)

    bring = verbs.add_parser("restore", help="bring an installation back into an empty data folder")
    bring.add_argument("folder", metavar="DIR")
    bring.add_argument("--identity", metavar="FILE", required=True, help="the secret key it was sealed for")
    bring.add_argument("--until", metavar="TIME", help="only what was committed before, as 2026-11-23T08:00:00Z")
    bring.set_defaults(command=bring_back)

    scrubbing = verbs.add_parser("scrub", help="read every stored object and compare; 0 = all are whole")
    scrubbing.add_argument("--pace", type=int, default=PACE // MIB, metavar="MIB", help="MiB a second at the most")
    scrubbing.set_defaults(command=read_all)


def back_up(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult backup DIR`, its check, and the making of its key."""
    if options.new_key:
        print(make_identity(Path(options.new_key)))
        return 0
    if not options.folder:
        raise SettingsError("Where to? Name a folder, or - for a stream.")
    if options.check or options.prune:
        root, identity = Path(options.folder), Path(options.identity) if options.identity else None
        return _check(root, identity) if options.check else _prune(root, options.keep)
    if not settings.backup_recipients:
        raise SettingsError(
            "TELECONSULT_BACKUP_RECIPIENTS is needed: the public key the backup is sealed for"
            " (`teleconsult backup --new-key FILE`, on a machine that keeps FILE out of this one’s reach)."
        )
    said = sys.stderr if options.folder == "-" else sys.stdout
    with database(settings) as urls:
        url = settings.backup_database_url or urls.backup
        if not url:
            raise SettingsError("TELECONSULT_BACKUP_DATABASE_URL is needed: the role that may copy the database.")
        if options.folder == "-":
            place: Folder | Stream = Stream(sys.stdout.buffer)
            held = _held(options.have)
        else:
            place, held = Folder(Path(options.folder)), frozenset(names_in(Path(options.folder)))
        store = open_store(settings.objects_url, settings.data)
        try:
            made = make_backup(Task(settings, store, url, place, held, options.base))
        except BackupRefused as error:
            print(error, file=sys.stderr)
            return 1
        except (DatabaseRefused, psycopg.Error) as error:
            print(f"The database was not copied: {error}", file=sys.stderr)
            return 1
        except OSError as error:
            print(f"{error.filename or options.folder}: {error.strerror or error}", file=sys.stderr)
            return 1
        if isinstance(place, Stream):
            place.close()
    size = sum(size for size, _digest in made.files.values())
    kinds = {kind: sum(name.startswith(f"{kind}/") for name in made.files) for kind in ("base", "wal", "objects")}
    print(
        f"{made.name}: {len(made.files)} files added, {size} bytes (base {kinds['base']}, log {kinds['wal']},"
        f" objects {kinds['objects']} of {made.objects})",
        file=said,
    )
    return 0


def _held(name: str | None) -> frozenset[str]:
    if name is None:
        return frozenset()
    lines = sys.stdin.readlines() if name == "-" else Path(name).read_text(encoding="utf-8").splitlines()
    return frozenset(line.strip().removeprefix("./") for line in lines)


def _prune(root: Path, days: int) -> int:
    if days < 1:
        raise SettingsError("--keep takes days, 1 at the least.")
    try:
        done = prune(root, keep=timedelta(days=days), moment=now())
    except BackupRefused as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{error.filename or root}: {error.strerror or error}", file=sys.stderr)
        return 1
    print(
        f"taken away: {done.bases} base backups, {done.segments} segments of log, {done.size} bytes;"
        f" any moment since {done.since.isoformat(timespec='seconds')} can be gone back to"
    )
    return 0


def _check(root: Path, identity: Path | None) -> int:
    try:
        found = check(root)
        keys = read_identities(identity) if identity else None
    except BackupRefused as error:
        print(error, file=sys.stderr)
        return 1
    if keys is not None:
        for name in found.files:
            try:
                with (root / name).open("rb") as file:
                    unseal(file, _Nowhere(), keys)
            except (OSError, Unopened):
                found.faults.append(f"{name}: does not open")
    for fault in found.faults:
        print("broken:", fault)
    newest = found.manifests[-1]
    print(
        f"{'broken' if found.faults else 'good'}: {len(found.manifests)} runs, {len(found.files)} files,"
        f" {found.size} bytes, the last of {newest.made_at}; {found.unnamed} files of broken runs,"
        f" {len(found.pruned)} taken away by --prune"
    )
    return int(bool(found.faults))


class _Nowhere:
    def write(self, content: bytes) -> int:
        """Take it, and forget it."""
        return len(content)

    def flush(self) -> None:
        """Nothing waits."""


def bring_back(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult restore DIR`: 0 when all that came back was read and is whole."""
    try:
        until = datetime.fromisoformat(options.until) if options.until else None
    except ValueError:
        print(f"{options.until} is no moment such as 2026-11-23T08:00:00Z", file=sys.stderr)
        return 1
    if until is not None and until.tzinfo is None:
        until = until.replace(tzinfo=UTC)
    try:
        came = restore(settings, Path(options.folder), read_identities(Path(options.identity)), until=until)
    except BackupRefused as error:
        print(error, file=sys.stderr)
        return 1
    except DatabaseRefused as error:
        print(f"The database did not come back: {error}", file=sys.stderr)
        return 1
    except (OSError, obstore.exceptions.BaseError) as error:
        print(f"Nothing was restored: {error}", file=sys.stderr)
        return 1
    print(
        f"restored the state of {came.reached or came.made_at}: {came.segments} segments of log,"
        f" {came.objects} objects, from {came.size} bytes"
    )
    with embedded_postgresql(settings.data) as urls:
        proof = asyncio.run(_prove(settings, urls.app, came.erased))
    _print(proof)
    return int(not proof.is_good)


async def _prove(settings: Settings, url: str, erased: frozenset[str]) -> Proof:
    objects = Objects(open_store(settings.objects_url, settings.data))
    async with opened(url) as sessions:
        return await prove(sessions, settings, objects, erased=erased)


def _print(proof: Proof) -> None:
    log, stored = proof.log, proof.stored
    state = "good" if log.is_good else f"broken ({log.faults} faults)"
    print(f"audit log: {state}: {log.events} events in {log.chains} chains, {log.checkpoints} checkpoints")
    if proof.set_aside:
        print(f"checkpoints newer than the log, set aside: {proof.set_aside}")
    if proof.erased:
        print(f"objects erased before, erased again: {proof.erased}")
    print(f"signed notes: {proof.notes}")
    state = "good" if not stored.damaged else f"broken ({stored.damaged} damaged)"
    print(f"objects: {state}: {stored.objects} compared, {stored.size} bytes read")
    for one in stored.found:
        print(f"damaged: {one.source} {one.row_id}: {one.fault}")


def read_all(settings: Settings, options: argparse.Namespace) -> int:
    """`teleconsult scrub`: goes on where the last reading stopped, to the end of the round."""
    if options.pace < 1:
        raise SettingsError("--pace takes MiB a second, 1 at the least.")

    async def read(url: str) -> int:
        store = open_store(settings.objects_url, settings.data)
        async with opened(url) as sessions:
            state = await scrub(sessions, Objects(store), settings.data, pace=options.pace * MIB)
            orphans = await find_orphans(sessions, store)
        for one in state.found:
            print(f"damaged: {one.source} {one.row_id}: {one.fault} ({one.key})")
        for key in orphans.keys:
            print(f"named by no row: {key}")
        print(f"{state.objects} objects compared, {state.size} bytes read, {state.damaged} damaged")
        print(f"{orphans.number} objects older than a day that no row names, {orphans.size} bytes")
        return int(bool(state.damaged))

    with database(settings) as urls:
        return asyncio.run(read(urls.app))
