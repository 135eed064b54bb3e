"""Browsers in which somebody has signed in. Going down ends their sessions; their people sign in anew."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "browser_sessions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("person", sa.String(200), nullable=False),
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("tokens", sa.Text(), nullable=False),
        sa.Column("token_ends_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double(), nullable=False),
        sa.Column("renewed_until", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_browser_sessions"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_browser_sessions_person", ondelete="CASCADE"),
    )
    op.create_index("ix_browser_sessions_person", "browser_sessions", ["person"])
    op.create_index("ix_browser_sessions_ends_at", "browser_sessions", ["ends_at"])


def downgrade() -> None:
    op.drop_table("browser_sessions")
