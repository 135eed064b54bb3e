"""Logs become Merkle trees: their heads, their nodes, checkpoints; and nothing of a log can be changed any more."""

import json
from collections import Counter

import sqlalchemy as sa
from alembic import op

from bongsu.domain.merkle import appended, leaf_hash

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = sa.String(200)
OBJECT = sa.String(300)
LABEL = sa.String(500)
KEY = sa.String(300)
# Whose rows stay as they are.
APPEND_ONLY = ("audit_entries", "audit_nodes", "audit_checkpoints", "audit_cosignatures")
REFUSED = "the audit log is append-only"
BATCH = 1000


def upgrade() -> None:
    _make_tables()
    op.add_column("audit_entries", sa.Column("outcome", sa.String(20)))
    _build_trees()
    with op.batch_alter_table("audit_entries") as batch:
        batch.alter_column("outcome", existing_type=sa.String(20), nullable=False)
    op.create_index("ix_audit_entries_tenant_label", "audit_entries", ["tenant", "label"])
    (_protect_sqlite if _is_sqlite() else _protect_postgresql)()


def downgrade() -> None:
    (_release_sqlite if _is_sqlite() else _release_postgresql)()
    for table in ("audit_reads", "audit_cosignatures", "audit_checkpoints", "audit_nodes", "audit_logs"):
        op.drop_table(table)
    op.drop_index("ix_audit_entries_tenant_label", "audit_entries")
    with op.batch_alter_table("audit_entries") as batch:
        batch.drop_column("outcome")


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def _make_tables() -> None:
    op.create_table(
        "audit_logs",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_audit_logs"),
    )
    op.create_table(
        "audit_nodes",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "level", "place", name="pk_audit_nodes"),
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "size", "key", name="pk_audit_checkpoints"),
    )
    op.create_table(
        "audit_cosignatures",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("witness", KEY, nullable=False),
        sa.Column("line", sa.String(1000), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "size", "witness", name="pk_audit_cosignatures"),
    )
    op.create_table(
        "audit_reads",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("object", OBJECT, nullable=False),
        sa.Column("label", LABEL, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "actor", "object", name="pk_audit_reads"),
    )
    op.create_index("ix_audit_reads_at", "audit_reads", ["at"])


def _build_trees() -> None:
    """Heads and nodes of the entries that are there; and their outcomes, which only their texts told so far."""
    connection = op.get_bind()
    entries = sa.table("audit_entries", *map(sa.column, ("tenant", "position", "entry", "outcome")))
    nodes = sa.table("audit_nodes", *map(sa.column, ("tenant", "level", "place", "hash")))
    kept: dict[tuple[str, int, int], bytes] = {}
    sizes: Counter[str] = Counter()
    query = sa.select(entries.c.tenant, entries.c.position, entries.c.entry)
    for row in connection.execute(query.order_by(entries.c.tenant, entries.c.position)).all():
        here = (entries.c.tenant == row.tenant) & (entries.c.position == row.position)
        connection.execute(sa.update(entries).where(here).values(outcome=_outcome(row.entry)))
        tenant, leaf = row.tenant, leaf_hash(row.entry.encode())

        def node(level: int, place: int, tenant: str = tenant) -> bytes:
            return kept[tenant, level, place]

        for level, place, found in appended(node, sizes[tenant], leaf):
            kept[tenant, level, place] = found
        sizes[tenant] += 1
    rows = [{"tenant": t, "level": level, "place": place, "hash": h} for (t, level, place), h in kept.items()]
    for begin in range(0, len(rows), BATCH):
        connection.execute(sa.insert(nodes), rows[begin : begin + BATCH])
    logs = sa.table("audit_logs", sa.column("tenant"), sa.column("size"))
    for tenant, size in sizes.items():
        connection.execute(sa.insert(logs).values(tenant=tenant, size=size))


def _outcome(entry: str) -> str:
    try:
        return str(json.loads(entry)["outcome"])
    except (ValueError, LookupError, TypeError):
        return "done"  # whatever it is, it keeps nobody from migrating; verifying tells


def _protect_sqlite() -> None:
    """Triggers see the deletion in INSERT OR REPLACE only with ``recursive_triggers``, which our connections set."""
    for table in APPEND_ONLY:
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{verb.lower()} BEFORE {verb} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
            )
    op.execute(
        "CREATE TRIGGER audit_logs_no_update BEFORE UPDATE ON audit_logs"
        " WHEN NEW.tenant <> OLD.tenant OR NEW.size <> OLD.size + 1"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )
    op.execute(
        "CREATE TRIGGER audit_logs_no_delete BEFORE DELETE ON audit_logs"
        f" BEGIN SELECT RAISE(ABORT, '{REFUSED}'); END"
    )


def _release_sqlite() -> None:
    for table in APPEND_ONLY:
        for verb in ("update", "delete"):
            op.execute(f"DROP TRIGGER {table}_no_{verb}")
    for verb in ("update", "delete"):
        op.execute(f"DROP TRIGGER audit_logs_no_{verb}")


def _protect_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION '{REFUSED}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
        )
    op.execute(
        "CREATE TRIGGER audit_logs_append_only BEFORE UPDATE ON audit_logs FOR EACH ROW"
        " WHEN (NEW.tenant <> OLD.tenant OR NEW.size <> OLD.size + 1) EXECUTE FUNCTION audit_refuse()"
    )
    op.execute(
        "CREATE TRIGGER audit_logs_no_delete BEFORE DELETE ON audit_logs"
        " FOR EACH ROW EXECUTE FUNCTION audit_refuse()"
    )
    for table in (*APPEND_ONLY, "audit_logs"):
        op.execute(
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()"
        )


def _release_postgresql() -> None:
    for table in (*APPEND_ONLY, "audit_logs"):
        op.execute(f"DROP TRIGGER {table}_append_only ON {table}")
        op.execute(f"DROP TRIGGER {table}_no_truncate ON {table}")
    op.execute("DROP TRIGGER audit_logs_no_delete ON audit_logs")
    op.execute("DROP FUNCTION audit_refuse()")
