"""Sign-ins under way, refresh tokens, secrets of service accounts, and where people were sent."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.String(64)
NAME = sa.String(200)
SUBJECT = sa.String(255)


def upgrade() -> None:
    op.create_table(
        "device_grants",
        sa.Column("code", ID, nullable=False),
        sa.Column("user_code", sa.String(20), nullable=False),
        sa.Column("client", NAME, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("polled_at", sa.Double()),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("subject", SUBJECT, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_device_grants"),
        sa.UniqueConstraint("user_code", name="uq_device_grants_user_code"),
    )
    op.create_index("ix_device_grants_expires_at", "device_grants", ["expires_at"])
    op.create_table(
        "code_grants",
        sa.Column("code", ID, nullable=False),
        sa.Column("client", NAME, nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("challenge", ID, nullable=False),
        sa.Column("nonce", sa.String(500), nullable=False),
        sa.Column("subject", SUBJECT, nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("family", ID, nullable=False),
        sa.PrimaryKeyConstraint("code", name="pk_code_grants"),
    )
    op.create_index("ix_code_grants_expires_at", "code_grants", ["expires_at"])
    op.create_table(
        "session_families",
        sa.Column("id", ID, nullable=False),
        sa.Column("client", NAME, nullable=False),
        sa.Column("subject", SUBJECT, nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("signed_in_at", sa.Double(), nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double()),
        sa.PrimaryKeyConstraint("id", name="pk_session_families"),
    )
    op.create_index("ix_session_families_subject", "session_families", ["subject"])
    op.create_index("ix_session_families_expires_at", "session_families", ["expires_at"])
    op.create_table(
        "refresh_grants",
        sa.Column("token", ID, nullable=False),
        sa.Column("family", ID, nullable=False),
        sa.Column("expires_at", sa.Double(), nullable=False),
        sa.Column("used_at", sa.Double()),
        sa.PrimaryKeyConstraint("token", name="pk_refresh_grants"),
        sa.ForeignKeyConstraint(
            ["family"], ["session_families.id"], name="fk_refresh_grants_family", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_refresh_grants_family", "refresh_grants", ["family"])
    op.create_table(
        "secondments",
        sa.Column("person", NAME, nullable=False),
        sa.Column("ministry", NAME, nullable=False),
        sa.Column("since", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("person", "ministry", name="pk_secondments"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_secondments_person", ondelete="CASCADE"),
    )
    op.create_index("ix_secondments_ministry", "secondments", ["ministry"])
    op.create_table(
        "service_secrets",
        sa.Column("person", NAME, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ends_at", sa.Double()),
        sa.PrimaryKeyConstraint("person", "id", name="pk_service_secrets"),
        sa.ForeignKeyConstraint(["person"], ["people.id"], name="fk_service_secrets_person", ondelete="CASCADE"),
    )
    op.create_table(
        "sign_in_failures",
        sa.Column("place", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("place", name="pk_sign_in_failures"),
    )


def downgrade() -> None:
    for table in (
        "sign_in_failures",
        "service_secrets",
        "secondments",
        "refresh_grants",
        "session_families",
        "code_grants",
        "device_grants",
    ):
        op.drop_table(table)
