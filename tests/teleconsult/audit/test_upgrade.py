"""What was chained before there were several chains holds after the upgrade, untouched, and the chain goes on."""

import psycopg
from psycopg.rows import dict_row

from migrations import migrate
from teleconsult.audit.models import NO_ESTABLISHMENT
from teleconsult.db import make_engine, make_sessions
from teleconsult.embedded import database_urls, prepare_database
from tests.teleconsult.audit.log import past_the_walls, verdict_of

ADD = """
insert into audit_event (id, recorded_at, action, outcome, organization_id, actor_name, entity_type, patient_id, detail)
select gen_random_uuid(), now(), 'note-signed', 'success', gen_random_uuid(), 'Dr Nguyễn Thị Minh', 'composition',
  gen_random_uuid(), jsonb_build_object('n', number, 'ok', true, 'none', null) from generate_series(1, 40) number
"""


async def test_rows_of_the_first_version_hold_after_the_upgrade(superuser_url: str, database: object) -> None:
    name = "upgraded_audit_" + str(database).split("/test_")[1].split("?")[0]
    prepare_database(superuser_url, name, anew=True)
    urls = database_urls(superuser_url, name)
    migrate(urls.owner, revision="0001")
    with psycopg.connect(urls.app) as app:
        app.execute(ADD)
    with psycopg.connect(urls.owner, row_factory=dict_row) as owner:
        before = owner.execute("select * from audit_event order by id").fetchall()
        links = owner.execute("select audit_event_id as id, position, hash from audit_chain order by 2").fetchall()
    migrate(urls.owner)
    with past_the_walls(superuser_url, urls) as superuser:
        superuser.row_factory = dict_row
        after = superuser.execute("select * from audit_event order by id").fetchall()
        assert [{**row, "address": "", "patient_organization_id": None} for row in before] == after
        assert links == superuser.execute("select id, position, hash from audit_chain order by position").fetchall()
        superuser.execute("set session_replication_role = origin")
        superuser.execute(ADD)
        superuser.execute(ADD.replace("'success', gen_random_uuid()", "'success', null"))
        assert superuser.execute(
            "select max(position) as last from audit_chain where chain = %s and lane = 0", (NO_ESTABLISHMENT,)
        ).fetchone() == {"last": 80}
        engine = make_engine(urls.app)
        sessions = make_sessions(engine, acting="system")
        verdict = await verdict_of(sessions)
        assert (verdict.is_good, verdict.events) == (True, 120)
        superuser.execute("set session_replication_role = replica")
        superuser.execute("update audit_chain set hash = sha256(hash) where position = 40 and recipe = 1")
        assert {finding.position for finding in (await verdict_of(sessions)).findings} == {40, 41}
        await engine.dispose()
