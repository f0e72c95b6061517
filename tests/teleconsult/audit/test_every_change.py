"""Every row of a log of a thousand, every kind of change a superuser could make: each one is found.

The log has 25 chains of four lanes each; some rows were chained before there were several. A change is made with the
triggers off, looked at by the same statements and the same walk as `verify`, and rolled back; that `verify` itself
says the same is tested in the midst of a lane and at the end of one.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import pytest
from psycopg.rows import namedtuple_row
from sqlalchemy import TextClause
from sqlalchemy.dialects.postgresql.psycopg import dialect as psycopg_dialect

from migrations import migrate
from teleconsult.audit.checkpointing import HEADS, make_checkpoint
from teleconsult.audit.links import FIRST, LOWEST, PIECE, Walk
from teleconsult.audit.models import NO_ESTABLISHMENT
from teleconsult.audit.verifying import COUNTS, UNLIKE
from teleconsult.db import make_engine, make_sessions
from teleconsult.embedded import DatabaseUrls, database_urls, prepare_database
from tests.teleconsult.audit.log import past_the_walls, verdict_of

CHAINS = [NO_ESTABLISHMENT, *(uuid.uuid5(NO_ESTABLISHMENT, str(number)) for number in range(24))]
LANES, LENGTH = 4, 10
EVENTS = len(CHAINS) * LANES * LENGTH

INSERT_EVENTS = """
insert into audit_event (id, recorded_at, action, outcome, account_id, practitioner_role_id, organization_id,
  actor_name, address, entity_type, entity_id, patient_id, detail)
select gen_random_uuid(), now() + number * interval '1.5 seconds', 'file-opened', 'success', gen_random_uuid(),
  gen_random_uuid(), nullif(%(chain)s, %(none)s), 'Dr Hélène "la Côte" Tremblay', %(address)s, 'patient',
  gen_random_uuid(), null, jsonb_build_object('number', number, 'why', E'tab\\t, “quotes”, \\x7f')
from generate_series(1, %(length)s) number
"""
TAKE_LANES = """
select pg_advisory_xact_lock(hashtextextended('audit ' || cast(%(chain)s as text), lane))
from generate_series(0, %(below)s - 1) lane
"""
# As the first version chained: one chain for all, whoever's event it was.
CHAIN_AS_BEFORE = """
do $$
declare
  event audit_event;
  last bytea := decode(repeat('00', 32), 'hex');
  place bigint := 0;
begin
  for event in select * from audit_event order by recorded_at loop
    place := place + 1;
    insert into audit_chain (id, chain, lane, position, recipe, previous_hash, hash)
    values (event.id, '00000000-0000-0000-0000-000000000000', 0, place, 1, last,
      sha256(last || convert_to(audit_canonical(event), 'UTF8')))
    returning hash into last;
  end loop;
end $$
"""
RECHAIN = """
create function pg_temp.rechain(which uuid, along smallint, since bigint) returns void language plpgsql as $$
declare
  link audit_chain;
  last bytea;
begin
  select hash into last from audit_chain where chain = which and lane = along and position = since - 1;
  last := coalesce(last, decode(repeat('00', 32), 'hex'));
  for link in select * from audit_chain where chain = which and lane = along and position >= since order by position
  loop
    update audit_chain set previous_hash = last, hash = (
      select sha256(last || convert_to(case link.recipe when 1 then audit_canonical(event)
        else audit_text(event, which, along, link.position) end, 'UTF8')) from audit_event event where id = link.id)
    where id = link.id returning hash into last;
  end loop;
end $$
"""
AFTER = "chain = %(chain)s and lane = %(lane)s and position >= %(position)s"
REWRITE = "select pg_temp.rechain(%(chain)s, %(lane)s::smallint, %(position)s)"
# In two steps: even a superuser is held to unique places.
SHIFT_DOWN, SHIFT_UP = (
    (
        f"update audit_chain set position = position + 100000 + {by} where {AFTER}",
        f"update audit_chain set position = position - 100000 where {AFTER}",
    )
    for by in (-1, 1)
)
FORGE_EVENT = """
insert into audit_event select (jsonb_populate_record(event, jsonb_build_object('id', %(other)s::text))).*
from audit_event event where id = %(id)s
"""
FORGE_LINK = """
insert into audit_chain (id, chain, lane, position, recipe, previous_hash, hash)
select event.id, link.chain, link.lane, %(position)s, link.recipe, link.previous_hash,
  sha256(link.previous_hash || convert_to(case link.recipe when 1 then audit_canonical(event)
    else audit_text(event, link.chain, link.lane, %(position)s) end, 'UTF8'))
from audit_chain link, audit_event event where link.id = %(id)s and event.id = %(other)s
"""
DELETE_EVENT, DELETE_LINK = "delete from audit_event where id = %(id)s", "delete from audit_chain where id = %(id)s"

SWAP_EVENTS = """
update audit_event target set recorded_at = source.recorded_at, detail = source.detail, address = source.address,
  account_id = source.account_id, practitioner_role_id = source.practitioner_role_id, entity_id = source.entity_id
from audit_event source where (target.id, source.id) in ((%(id)s, %(next)s), (%(next)s, %(id)s))
"""
SWAP_LINKS = (
    "update audit_chain set id = %(other)s where id = %(id)s",
    "update audit_chain set id = %(id)s where id = %(next)s",
    "update audit_chain set id = %(next)s where id = %(other)s",
)
SWAP_PLACES = (
    "update audit_chain set position = -position where id in (%(id)s, %(next)s)",
    """update audit_chain target set position = -source.position from audit_chain source
    where (target.id, source.id) in ((%(id)s, %(next)s), (%(next)s, %(id)s))""",
)
EVENT_COLUMNS = {
    "id": "%(other)s",
    "recorded_at": "recorded_at + interval '1 microsecond'",
    "action": "'file-closed'",
    "outcome": "'denied'",
    "account_id": "null",
    "practitioner_role_id": "gen_random_uuid()",
    "organization_id": "%(other)s",
    "actor_name": "actor_name || ' '",
    "address": "'198.51.100.1'",
    "entity_type": "''",
    "entity_id": "null",
    "patient_id": "gen_random_uuid()",
    "patient_organization_id": "gen_random_uuid()",
    "detail": "detail - 'number'",
}
LINK_COLUMNS = {
    "id": "%(other)s",
    "chain": "%(other)s",
    "lane": "lane + 8",
    "position": "position + 1000",
    "recipe": "3 - recipe",
    "previous_hash": "sha256(previous_hash)",
    "hash": "sha256(hash)",
}
CHANGE = "update audit_{} set {} = {} where id = %(id)s"
CHANGES: dict[str, tuple[str, ...]] = {
    **{f"event {name}": (CHANGE.format("event", name, to),) for name, to in EVENT_COLUMNS.items()},
    **{f"link {name}": (CHANGE.format("chain", name, to),) for name, to in LINK_COLUMNS.items()},
    "event deleted": (DELETE_EVENT,),
    "link deleted": (DELETE_LINK,),
    "event deleted with its link": (DELETE_EVENT, DELETE_LINK),
    "event deleted and the rest chained anew": (DELETE_EVENT, DELETE_LINK, *SHIFT_DOWN, REWRITE),
    "event changed and the rest chained anew": ("update audit_event set action = 'x' where id = %(id)s", REWRITE),
    "event added outside the chain": (FORGE_EVENT,),
    "event added with a link": (FORGE_EVENT, *SHIFT_UP, FORGE_LINK),
    "event added and the rest chained anew": (FORGE_EVENT, *SHIFT_UP, FORGE_LINK, REWRITE),
    "events swapped": (SWAP_EVENTS,),
    "links swapped": SWAP_LINKS,
    "places swapped": SWAP_PLACES,
    "tail cut": (
        """delete from audit_event where id in (select id from audit_chain
          where chain = %(chain)s and lane = %(lane)s and position >= %(position)s)""",
        "delete from audit_chain where chain = %(chain)s and lane = %(lane)s and position >= %(position)s",
    ),
}  # fmt: skip


class Place(NamedTuple):
    """One row of the log."""

    id: uuid.UUID
    chain: uuid.UUID
    lane: int
    position: int


@dataclass
class Log:
    """The thousand rows, a superuser's connection, and what was signed for."""

    urls: DatabaseUrls
    superuser: psycopg.Connection[Any]
    places: list[Place]
    signed: list[Any]
    folder: Path

    def values_for(self, index: int) -> dict[str, Any]:
        """The names that the statements above use: this row, its neighbour in the lane, an id nobody has."""
        place = self.places[index]
        step = 1 if place.position < LENGTH else -1
        return {**place._asdict(), "next": self.places[index + step].id, "other": uuid.uuid4()}

    def is_found(self, place: Place) -> bool:
        """Whether a check sees that something is wrong, looking along this row's lane."""
        walk, lane = Walk(), (place.chain, place.lane)
        bounds = {"chain": lane[0], "lane": lane[1], "last_chain": lane[0], "last_lane": lane[1]}
        start = {"position": -(2**63), "id": LOWEST[0], "none": NO_ESTABLISHMENT, "piece": PIECE}
        if any(list(walk.step(row)) for row in self._run(FIRST, bounds | start)):
            return True
        events, links = self._run(COUNTS, {})[0]
        heads = [head for head in self.signed if (head.chain, head.lane) == lane]
        columns = {f"{name}s": [getattr(head, name) for head in heads] for name in ("chain", "lane", "position")}
        return events != links or bool(self._run(UNLIKE, {**columns, "hashes": [head.hash for head in heads]}))

    def _run(self, statement: TextClause, values: dict[str, Any]) -> list[Any]:
        return self.superuser.execute(_as_psycopg(statement), values).fetchall()


@cache
def _as_psycopg(statement: TextClause) -> str:
    return str(statement.compile(dialect=psycopg_dialect()))


@pytest.fixture(scope="module")
def log(superuser_url: str, database: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Log]:
    """A database of its own: each test rolls back what it did."""
    name = psycopg.conninfo.conninfo_to_dict(database.app)["dbname"] + "_audit"
    with psycopg.connect(superuser_url, autocommit=True):
        prepare_database(superuser_url, name, anew=True)
    urls = database_urls(superuser_url, name)
    migrate(urls.owner)
    with past_the_walls(superuser_url, urls) as superuser:
        superuser.execute(RECHAIN)
        before = {"chain": CHAINS[1], "none": NO_ESTABLISHMENT, "length": LENGTH // 2, "address": ""}
        superuser.execute(INSERT_EVENTS, before)
        superuser.execute(CHAIN_AS_BEFORE)
        _write_by_the_trigger(urls)
        superuser.row_factory = namedtuple_row
        rows = superuser.execute("select id, chain, lane, position from audit_chain order by chain, lane, position")
        places = [Place(*row) for row in rows.fetchall()]
        signed = superuser.execute(_as_psycopg(HEADS)).fetchall()
        yield Log(urls, superuser, places, signed, tmp_path_factory.mktemp("checkpoints"))


def _write_by_the_trigger(urls: DatabaseUrls) -> None:
    """Fill every lane: while one's acts are written, the lanes before it are taken."""
    with psycopg.connect(urls.app) as writer, psycopg.connect(urls.app) as busy:
        writer.execute("select set_config('teleconsult.acting', 'system', false)")
        for chain in CHAINS:
            for lane in range(LANES):
                busy.execute(TAKE_LANES, {"chain": chain, "below": lane})
                short = LENGTH // 2 if (chain, lane) == (NO_ESTABLISHMENT, 0) else 0
                values = {"chain": chain, "none": NO_ESTABLISHMENT, "length": LENGTH - short, "address": "192.0.2.7"}
                writer.execute(INSERT_EVENTS, values)
                writer.commit()
                busy.commit()


def test_the_log_is_as_long_as_it_says(log: Log) -> None:
    assert len(log.places) == EVENTS == 1000
    assert {(place.chain, place.lane) for place in log.places} == set(product(CHAINS, range(LANES)))
    assert not any(log.is_found(place) for place in log.places)


@pytest.mark.parametrize("change", CHANGES)
def test_every_single_change_is_found(log: Log, change: str) -> None:
    statements, missed = CHANGES[change], []
    log.superuser.execute("vacuum audit_event, audit_chain")  # of what the test before rolled back
    with log.superuser.transaction(force_rollback=True):
        for index, place in enumerate(log.places):
            with log.superuser.transaction(force_rollback=True):
                values = log.values_for(index)
                for statement in statements:
                    log.superuser.execute(statement, values)
                if not log.is_found(place):
                    missed.append(place)
    assert not missed


@pytest.mark.parametrize("change", CHANGES)
async def test_verify_says_the_same(log: Log, change: str) -> None:
    engine = make_engine(log.urls.app)
    sessions = make_sessions(engine, acting="system")
    try:
        await make_checkpoint(sessions, log.folder)
        assert (await verdict_of(sessions, log.folder)).is_good
        for index in (LENGTH // 2, EVENTS - 1):
            place = log.places[index]
            with _kept(log):
                values = log.values_for(index)
                for statement in CHANGES[change]:
                    log.superuser.execute(statement, values)
                verdict = await verdict_of(sessions, log.folder)
            named = {(finding.chain, finding.lane) for finding in verdict.findings}
            assert not verdict.is_good
            assert (place.chain, place.lane) in named or change == "event added outside the chain"
    finally:
        await engine.dispose()


@contextmanager
def _kept(log: Log) -> Iterator[None]:
    """What is done inside the block is undone after it, once everybody could see it."""
    tables = ("audit_event", "audit_chain")
    for table in tables:
        log.superuser.execute(f"create temp table kept_{table} as select * from {table}")
    try:
        yield
    finally:
        for table in tables:
            log.superuser.execute(f"delete from {table}")
            log.superuser.execute(f"insert into {table} select * from pg_temp.kept_{table}")
            log.superuser.execute(f"drop table pg_temp.kept_{table}")
