"""Which grades the site states. Labels stay as they are: all grades have one order, whatever a site states of them."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "site_grades",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("scheme", sa.String(20), nullable=False),
        sa.Column("restricted", sa.String(8), nullable=False),
        sa.Column("set_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_site_grades"),
    )


def downgrade() -> None:
    # The older version knows O, S and C alone, and could read no label of another grade.
    scheme = op.get_bind().execute(sa.text("SELECT scheme FROM site_grades WHERE scheme = 'military'")).scalar()
    if scheme is not None:
        raise ValueError("the site states military grades, which the older version cannot read")
    op.drop_table("site_grades")
