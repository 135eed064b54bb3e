"""The evidence of a use may end before its entry does. Artifacts are listed newest first. Going down forgets when
evidence ends: an entry holds to its own end then."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("permitted_uses", sa.Column("evidence_ends_at", sa.Double()))
    op.create_index("ix_artifacts_tenant_created_at", "artifacts", ["tenant", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_artifacts_tenant_created_at", "artifacts")
    with op.batch_alter_table("permitted_uses") as batch:
        batch.drop_column("evidence_ends_at")
