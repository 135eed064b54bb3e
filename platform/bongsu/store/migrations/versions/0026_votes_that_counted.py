"""Of a proposal that was carried out, whose approvals counted then. Of those that were carried out before, it stands in
the log of their ministry. Going down forgets it."""

import json

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

votes = sa.table(
    "votes", sa.column("proposal", sa.String), sa.column("person", sa.String), sa.column("counted", sa.Boolean)
)
entries = sa.table(
    "audit_entries", *(sa.column(name, sa.Text) for name in ("action", "outcome", "object", "entry"))
)


def upgrade() -> None:
    op.add_column("votes", sa.Column("counted", sa.Boolean()))
    connection = op.get_bind()
    did = sa.select(entries.c.entry).where(entries.c.action == "approval.carry-out", entries.c.outcome == "done")
    for row in connection.execute(did).all():
        entry = json.loads(row.entry)
        if "approvers" in entry["facts"]:
            of_it = votes.c.proposal == entry["object"].removeprefix("approval:")
            counted = votes.c.person.in_(entry["facts"]["approvers"])
            connection.execute(sa.update(votes).where(of_it).values(counted=counted))


def downgrade() -> None:
    with op.batch_alter_table("votes") as batch:
        batch.drop_column("counted")
