"""Points of metrics by attempt: one that begins anew draws a curve of its own."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = "pk_metric_points"
KEY = ["run_id", "stage_id", "name", "step"]


def upgrade() -> None:
    with op.batch_alter_table("metric_points") as table:
        table.add_column(sa.Column("attempt", sa.Integer(), nullable=False, server_default="1"))
        table.drop_constraint(NAME, type_="primary")
        table.create_primary_key(NAME, [*KEY[:2], "attempt", *KEY[2:]])
    with op.batch_alter_table("metric_points") as table:
        table.alter_column("attempt", server_default=None)


def downgrade() -> None:
    points = sa.table("metric_points", *(sa.column(name) for name in [*KEY, "attempt"]))
    newer = points.alias()
    same = sa.and_(newer.c.attempt > points.c.attempt, *(newer.c[name] == points.c[name] for name in KEY))
    op.execute(sa.delete(points).where(sa.exists().where(same)))
    with op.batch_alter_table("metric_points") as table:
        table.drop_constraint(NAME, type_="primary")
        table.create_primary_key(NAME, KEY)
        table.drop_column("attempt")
