"""Row-level security on every table that speaks of a person.

From here on the app's role sees and changes what the one who acts may see and change, and nothing where nobody does.
"""

from alembic import op

from migrations import acting, bindings, crossings, rules, walls

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    connection = op.get_bind()
    owner = connection.exec_driver_sql("select quote_ident(current_user)").scalar_one()
    for statement in (*acting.STATEMENTS, *crossings.STATEMENTS):
        connection.exec_driver_sql(statement.replace("%", "%%"))
    for table, wall in walls.FIRST.items():
        for statement in walls.raised(table, wall, owner=owner):
            op.execute(statement)
    op.execute(bindings.REFUSAL)
    for table, columns in bindings.FIRST.items():
        op.execute(bindings.bound(table, columns))
    op.execute(f"grant execute on all functions in schema public to {rules.APP_ROLE}")
