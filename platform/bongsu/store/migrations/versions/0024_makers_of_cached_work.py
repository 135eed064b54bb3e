"""Work in the cache says which run made it: what that carries, and who may see it, counts when it is taken. Of what was
made before, it is the last run whose stage ended well under the key; where there is none, the work is done anew. Going
down forgets it."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

CHUNK = 1000
entries = sa.table(
    "cache_entries", *(sa.column(name, sa.String) for name in ("tenant", "key", "pipeline", "stage_id", "run_id"))
)
runs = sa.table("runs", *(sa.column(name, sa.String) for name in ("id", "tenant", "pipeline")))
stages = sa.table(
    "stages",
    *(sa.column(name, sa.String) for name in ("run_id", "stage_id", "state", "cache_key")),
    sa.column("finished_at", sa.Double),
)


def upgrade() -> None:
    op.add_column("cache_entries", sa.Column("run_id", sa.String(64)))
    connection = op.get_bind()
    same = sa.and_(
        entries.c.tenant == runs.c.tenant,
        entries.c.key == stages.c.cache_key,
        entries.c.pipeline == runs.c.pipeline,
        entries.c.stage_id == stages.c.stage_id,
    )
    made = (
        sa.select(entries.c.tenant, entries.c.key, stages.c.run_id)
        .select_from(stages.join(runs, runs.c.id == stages.c.run_id).join(entries, same))
        .where(stages.c.state == "succeeded")
        .order_by(stages.c.finished_at)
    )
    makers = {(row.tenant, row.key): row.run_id for row in connection.execute(made)}
    found = [{"of": tenant, "under": key, "maker": maker} for (tenant, key), maker in makers.items()]
    is_it = sa.and_(entries.c.tenant == sa.bindparam("of"), entries.c.key == sa.bindparam("under"))
    note = sa.update(entries).where(is_it).values(run_id=sa.bindparam("maker"))
    for begin in range(0, len(found), CHUNK):
        connection.execute(note, found[begin : begin + CHUNK])


def downgrade() -> None:
    with op.batch_alter_table("cache_entries") as batch:
        batch.drop_column("run_id")
