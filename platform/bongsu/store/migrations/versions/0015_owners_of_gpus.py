"""Which ministries own GPUs: they alone give grants. Whoever gave one to another ministry is taken to own some."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("ministries", sa.Column("owns_gpus", sa.Boolean, nullable=False, server_default=sa.false()))
    ministries = sa.table("ministries", sa.column("name", sa.String), sa.column("owns_gpus", sa.Boolean))
    grants = sa.table("grants", sa.column("giver", sa.String), sa.column("receiver", sa.String))
    givers = sa.select(grants.c.giver).where(grants.c.giver != grants.c.receiver)
    op.execute(sa.update(ministries).where(ministries.c.name.in_(givers)).values(owns_gpus=True))


def downgrade() -> None:
    op.drop_column("ministries", "owns_gpus")
