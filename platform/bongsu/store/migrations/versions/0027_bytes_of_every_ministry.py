"""Bytes, models and suspensions are found whosever they are."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_artifacts_digest": ("artifacts", ["digest"]),
    "ix_dataset_versions_digest": ("dataset_versions", ["digest"]),
    "ix_model_versions_digest": ("model_versions", ["digest"]),
    "ix_model_versions_name": ("model_versions", ["name"]),
}


def upgrade() -> None:
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)
    held = sa.text("lifted_at IS NULL")
    op.create_index("ix_suspensions_held", "suspensions", ["name"], sqlite_where=held, postgresql_where=held)


def downgrade() -> None:
    op.drop_index("ix_suspensions_held", "suspensions")
    for name, (table, _columns) in INDEXES.items():
        op.drop_index(name, table)
