"""Where the tracking server shows each model, so that a table of models can link to it."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_pages",
        sa.Column("digest", sa.String(71), nullable=False),
        sa.Column("pipeline", sa.String(200), nullable=False),
        sa.Column("path", sa.String(500), nullable=False),
        sa.PrimaryKeyConstraint("digest", "pipeline", name=op.f("pk_model_pages")),
    )


def downgrade() -> None:
    op.drop_table("model_pages")
