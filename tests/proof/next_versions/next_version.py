"""A version that is never released: a new table with its wall, and what is added to tables that are in use.

It adds and removes nothing, as ours do, so that the version before it can serve beside it.
"""

from alembic import op
from alembic.script import ScriptDirectory

from migrations import alembic_config

revision = "next"
down_revision = ScriptDirectory.from_config(alembic_config("postgresql://")).get_current_head()
branch_labels = None
depends_on = None

IN_USE = ("patient", "composition", "delivery", "appointment", "service_request", "audit_check")
"""Each page reads some of these."""


def upgrade() -> None:
    op.execute("create table next_thing (id uuid primary key, patient_id uuid not null, said text not null default '')")
    op.execute("alter table next_thing enable row level security")
    op.execute("create policy next_wall on next_thing using (current_setting('teleconsult.acting', true) = 'system')")
    op.execute("grant select, insert, update on next_thing to teleconsult_app")
    op.execute("create index ix_next_thing_patient on next_thing (patient_id)")
    op.execute("insert into next_thing select gen_random_uuid(), id from patient")
    for table in IN_USE:
        op.execute(f"alter table {table} add column next_word text not null default ''")
        op.execute(f"create index ix_{table}_next_word on {table} (next_word)")
        op.execute(f"comment on column {table}.next_word is 'of a version that is never released'")


def downgrade() -> None:
    for table in IN_USE:
        op.execute(f"alter table {table} drop column next_word")
    op.execute("drop table next_thing")
