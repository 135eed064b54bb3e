"""GPU grants, their ledgers, which only grow, and notices of what will be taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.String(64)
NAME = sa.String(200)


def upgrade() -> None:
    op.create_table(
        "grants",
        sa.Column("id", ID, nullable=False),
        sa.Column("giver", NAME, nullable=False),
        sa.Column("receiver", NAME, nullable=False),
        sa.Column("programme", NAME, nullable=False),
        sa.Column("use_classes", sa.String(500), nullable=False),
        sa.Column("accelerator", sa.String(40), nullable=False),
        sa.Column("begins", sa.Double(), nullable=False),
        sa.Column("ends", sa.Double(), nullable=False),
        sa.Column("given_by", NAME, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.Double()),
        sa.Column("given_ms", sa.BigInteger(), nullable=False),
        sa.Column("used_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_grants"),
    )
    op.create_index("ix_grants_giver", "grants", ["giver"])
    op.create_index("ix_grants_receiver", "grants", ["receiver"])
    op.create_table(
        "grant_entries",
        sa.Column("grant_id", ID, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("gpu_ms", sa.BigInteger(), nullable=False),
        sa.Column("run_id", ID, nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("gpus", sa.Integer()),
        sa.Column("begins", sa.Double()),
        sa.Column("ends", sa.Double()),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("grant_id", "position", name="pk_grant_entries"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_grant_entries_grant_id"),
        sa.UniqueConstraint("grant_id", "kind", "subject", name="uq_grant_entries_grant_id_kind_subject"),
    )
    op.create_index("ix_grant_entries_run_id_grant_id", "grant_entries", ["run_id", "grant_id"])
    op.create_index("ix_grant_entries_grant_id_kind_ends", "grant_entries", ["grant_id", "kind", "ends"])
    op.create_table(
        "grant_notices",
        sa.Column("grant_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("gpu_ms", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("announced_at", sa.Double(), nullable=False),
        sa.Column("effective_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.PrimaryKeyConstraint("grant_id", "number", name="pk_grant_notices"),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name="fk_grant_notices_grant_id"),
    )
    _refuse_changes()


def _refuse_changes() -> None:
    """Whatever program writes: an entry that stands stays as it is."""
    words = "the ledger of a grant only grows: book an adjustment"
    if op.get_bind().dialect.name == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER grant_entries_{verb.lower()} BEFORE {verb} ON grant_entries"
                f" BEGIN SELECT RAISE(ABORT, '{words}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_change_of_grant_entry() RETURNS trigger LANGUAGE plpgsql AS"
        f" $$ BEGIN RAISE EXCEPTION USING MESSAGE = '{words}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER grant_entries_change BEFORE UPDATE OR DELETE ON grant_entries"
        " FOR EACH ROW EXECUTE FUNCTION refuse_change_of_grant_entry()"
    )


def downgrade() -> None:
    for table in ("grant_notices", "grant_entries", "grants"):
        op.drop_table(table)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_change_of_grant_entry()")
