"""A subject of an identity provider is somebody's within a ministry: two ministries that it serves do not take it from
each other, nor learn from a refusal whom the other one has."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

KEY = "pk_subjects"
PLACE = {"sqlite": "max(instr(person, '/') - 1, 0)", "postgresql": "greatest(strpos(person, '/') - 1, 0)"}


def upgrade() -> None:
    op.add_column("subjects", sa.Column("ministry", sa.String(200), nullable=False, server_default=""))
    op.execute(f"UPDATE subjects SET ministry = substr(person, 1, {PLACE[op.get_bind().dialect.name]})")
    with op.batch_alter_table("subjects") as batch:
        batch.alter_column("ministry", existing_type=sa.String(200), server_default=None)
        batch.drop_constraint(KEY, type_="primary")
        batch.create_primary_key(KEY, ["ministry", "issuer", "subject"])


def downgrade() -> None:
    # One of them would sign in as the other one.
    twice = op.get_bind().execute(
        sa.text("SELECT issuer, subject FROM subjects GROUP BY issuer, subject HAVING count(*) > 1")
    )
    shared = [f"{row.subject} at {row.issuer}" for row in twice]
    if shared:
        raise ValueError(
            f"subjects of several ministries, which the older schema cannot keep apart: {', '.join(shared)}"
        )
    with op.batch_alter_table("subjects") as batch:
        batch.drop_constraint(KEY, type_="primary")
        batch.create_primary_key(KEY, ["issuer", "subject"])
        batch.drop_column("ministry")
