"""A suspension keeps the label that its model had when it was suspended, for the reason that somebody gave then. The
label of those that there are stands in the log of their ministry; of what another version writes meanwhile nobody knows
one. Going down forgets it."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

suspensions = sa.table("suspensions", sa.column("id", sa.String), sa.column("label", sa.String))
entries = sa.table("audit_entries", *(sa.column(name, sa.Text) for name in ("action", "outcome", "label", "entry")))


def upgrade() -> None:
    op.add_column("suspensions", sa.Column("label", sa.String(500)))
    connection = op.get_bind()
    did = sa.select(entries.c.label, entries.c.entry).where(
        entries.c.action == "model.suspend", entries.c.outcome == "done"
    )
    for row in connection.execute(did).all():
        suspension = json.loads(row.entry)["facts"]["suspension"]
        connection.execute(sa.update(suspensions).where(suspensions.c.id == suspension).values(label=row.label))


def downgrade() -> None:
    with op.batch_alter_table("suspensions") as batch:
        batch.drop_column("label")
