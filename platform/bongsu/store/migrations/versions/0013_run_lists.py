"""Lists of runs, newest first, from an index, whoever sees the runs of several ministries and whatever is asked for."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_runs_created_at_id", "runs", ["created_at", "id"])
    op.create_index("ix_runs_state_created_at", "runs", ["state", "created_at"])
    op.create_index("ix_runs_submitted_by_created_at", "runs", ["submitted_by", "created_at"])
    op.drop_index("ix_runs_state", "runs")


def downgrade() -> None:
    op.create_index("ix_runs_state", "runs", ["state"])
    op.drop_index("ix_runs_submitted_by_created_at", "runs")
    op.drop_index("ix_runs_state_created_at", "runs")
    op.drop_index("ix_runs_created_at_id", "runs")
