"""Commits a second with audited reads: eight writers in one establishment and in eight. `python -m tests.bench.audit`

Run on the log as the first version kept it (one chain for all) and as it is now; once as this disk is, and once with
each flush held back for three milliseconds, as a disk with a barrier takes.
"""

import multiprocessing
import tempfile
import time
import uuid
from multiprocessing.synchronize import Barrier
from pathlib import Path

import psycopg

from migrations import migrate
from teleconsult.embedded import database_urls, embedded_postgresql, prepare_database

WRITERS, SECONDS = 8, 4
VERSIONS = {"one chain for all": "0001", "a chain each, in lanes": "head"}
READ_AND_RECORD = """
insert into audit_event (id, recorded_at, action, outcome, account_id, practitioner_role_id, organization_id,
  actor_name, entity_type, entity_id, patient_id, detail)
select gen_random_uuid(), now(), 'file-opened', 'success', gen_random_uuid(), gen_random_uuid(), %s, 'Dr Tremblay',
  'patient', gen_random_uuid(), gen_random_uuid(), '{}' from (select count(*) from organization) as seen
"""


def main() -> None:
    """Print one line a measure."""
    for flush in (0, 3000):
        for name, revision in VERSIONS.items():
            for places in (1, 8):
                commits, slowest = measured(revision, places, flush)
                print(
                    f"flush held {flush / 1000:.0f} ms, {name}, {WRITERS} writers in {places}:"
                    f" {commits:.0f} commits/s, 95 of 100 within {slowest:.1f} ms",
                    flush=True,
                )


def measured(revision: str, places: int, flush: int) -> tuple[float, float]:
    """Commits a second of all writers, and the 95th percentile of the slowest one, in milliseconds."""
    with tempfile.TemporaryDirectory() as folder, embedded_postgresql(Path(folder)) as server:
        host = psycopg.conninfo.conninfo_to_dict(server.app)["host"]
        superuser = f"postgresql://postgres@/postgres?host={host}"
        prepare_database(superuser, "bench")
        urls = database_urls(superuser, "bench")
        migrate(urls.owner, revision=revision)
        with psycopg.connect(superuser, autocommit=True) as connection:
            connection.execute(f"alter system set commit_delay = {flush}")
            connection.execute("alter system set commit_siblings = 0")
            connection.execute("select pg_reload_conf()")
        chosen = [uuid.uuid4() for _ in range(places)]
        start, told = multiprocessing.Barrier(WRITERS), multiprocessing.Queue()
        writers = [
            multiprocessing.Process(target=write, args=(urls.app, chosen[number % places], start, told))
            for number in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        results = [told.get() for _ in writers]
        for writer in writers:
            writer.join()
    return sum(count for count, _ in results) / SECONDS, max(slow for _, slow in results) * 1000


def write(url: str, organization: uuid.UUID, start: Barrier, told: "multiprocessing.Queue[tuple[int, float]]") -> None:
    """One writer: read, record, commit, again."""
    waits = []
    with psycopg.connect(url) as connection:
        connection.execute("select set_config('teleconsult.acting', 'system', false)")
        connection.commit()
        start.wait()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            began = time.monotonic()
            connection.execute(READ_AND_RECORD, (organization,))
            connection.commit()
            waits.append(time.monotonic() - began)
    told.put((len(waits), sorted(waits)[int(len(waits) * 0.95)]))


if __name__ == "__main__":
    main()
