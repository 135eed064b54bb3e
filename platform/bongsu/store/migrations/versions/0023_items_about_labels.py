"""Which items of the outbox may be about a label that changed stands beside them, so that those that wait are found by
an index. Of what another version writes without saying so, it is true. Going down forgets it: every item has it in its
body."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

# How the items begin that are about no label; whatever begins otherwise may be about one.
OTHERS = tuple(
    f'{{"type":"{one}"'
    for one in ("run-opened", "stage-finished", "run-closed", "version-registered", "alias-changed")
)

outbox = sa.table("outbox", sa.column("body", sa.Text), sa.column("about_labels", sa.Boolean))


def upgrade() -> None:
    op.add_column("outbox", sa.Column("about_labels", sa.Boolean(), nullable=False, server_default=sa.true()))
    is_other = sa.or_(*(outbox.c.body.startswith(beginning) for beginning in OTHERS))
    op.execute(sa.update(outbox).where(is_other).values(about_labels=False))
    op.create_index("ix_outbox_about_labels_done_id", "outbox", ["about_labels", "done", "id"])


def downgrade() -> None:
    op.drop_index("ix_outbox_about_labels_done_id", "outbox")
    with op.batch_alter_table("outbox") as batch:
        batch.drop_column("about_labels")
