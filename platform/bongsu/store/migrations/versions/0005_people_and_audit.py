"""Ministries, people, what each is where; and the append-only log of each tenant."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NAME = sa.String(200)
LABEL = sa.String(500)


def upgrade() -> None:
    op.create_table(
        "ministries",
        sa.Column("name", NAME, nullable=False),
        sa.Column("title_ko", sa.String(200), nullable=False),
        sa.Column("title_en", sa.String(200), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("closed_at", sa.Double()),
        sa.PrimaryKeyConstraint("name", name="pk_ministries"),
    )
    op.create_table(
        "people",
        sa.Column("id", NAME, nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("clearance", LABEL, nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("disabled_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_people"),
    )
    op.create_table(
        "subjects",
        sa.Column("issuer", sa.String(500), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("person", NAME, nullable=False),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_subjects"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_subjects_person", ondelete="CASCADE"),
    )
    op.create_index("ix_subjects_person", "subjects", ["person"])
    op.create_table(
        "memberships",
        sa.Column("person", NAME, nullable=False),
        sa.Column("ministry", NAME, nullable=False),
        sa.Column("role", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("person", "ministry", "role", name="pk_memberships"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_memberships_person", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["ministry"], ["ministries.name"], name="fk_memberships_ministry", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_memberships_ministry", "memberships", ["ministry"])
    op.create_table(
        "audit_entries",
        sa.Column("tenant", NAME, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("actor", NAME, nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("object", sa.String(300), nullable=False),
        sa.Column("label", LABEL, nullable=False),
        sa.Column("entry", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "position", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_tenant_object", "audit_entries", ["tenant", "object"])
    op.create_index("ix_audit_entries_tenant_actor", "audit_entries", ["tenant", "actor"])
    op.create_index("ix_audit_entries_tenant_at", "audit_entries", ["tenant", "at"])


def downgrade() -> None:
    for table in ("audit_entries", "memberships", "subjects", "people", "ministries"):
        op.drop_table(table)
