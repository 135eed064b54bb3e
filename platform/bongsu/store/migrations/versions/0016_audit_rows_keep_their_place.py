"""No row of a log takes the place of another in SQLite, whoever connects; and a device remembers its session.

INSERT OR REPLACE deletes without the triggers that refuse deletions, unless a connection sets ``recursive_triggers``.
What comes from outside does not; therefore the insertion itself is refused. PostgreSQL knows no such statement: ON
CONFLICT DO UPDATE is an update, which is refused already.

A device code that comes twice ends the session that was given for it, as authorization codes do.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

ID = sa.String(64)
REFUSED = "the audit log is append-only"
KEYS = {
    "audit_logs": ("tenant",),
    "audit_entries": ("tenant", "position"),
    "audit_nodes": ("tenant", "level", "place"),
    "audit_checkpoints": ("tenant", "size", "key"),
    "audit_cosignatures": ("tenant", "size", "witness"),
}


def upgrade() -> None:
    op.add_column("device_grants", sa.Column("family", ID, nullable=False, server_default=""))
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, keys in KEYS.items():
        same = " AND ".join(f"{key} = NEW.{key}" for key in keys)
        # A row is also replaced by one that says its number and another key; else the number is none that is there.
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table}"
            f" WHEN EXISTS (SELECT 1 FROM {table} WHERE {same})"
            f" OR EXISTS (SELECT 1 FROM {table} WHERE rowid = NEW.rowid)"
            f" BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for table in KEYS:
            op.execute(f"DROP TRIGGER {table}_no_replace")
    with op.batch_alter_table("device_grants") as batch:
        batch.drop_column("family")
