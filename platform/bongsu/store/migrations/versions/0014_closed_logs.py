"""Which ministry keeps reading the log of one that was closed."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ministries", sa.Column("witness", sa.String(200)))


def downgrade() -> None:
    op.drop_column("ministries", "witness")
