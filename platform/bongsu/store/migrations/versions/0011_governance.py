"""Registers of uses, permits, proposals and decisions on them, suspensions, releases of labels."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

ID = sa.String(64)
DIGEST = sa.String(71)
NAME = sa.String(200)
LABEL = sa.String(500)
OBJECT = sa.String(300)


def column(name: str, type_: Any, *, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type_, nullable=nullable)


def upgrade() -> None:
    _registers()
    _proposals()
    _models()


def _registers() -> None:
    op.create_table(
        "permitted_uses",
        column("id", ID),
        column("ministry", NAME),
        column("use_class", sa.String(60)),
        column("statement", sa.Text()),
        column("conditions", sa.Text()),
        column("tier", sa.String(10)),
        column("owner", NAME),
        column("evidence", sa.String(1000)),
        column("evidence_at", sa.Double()),
        column("begins_at", sa.Double()),
        column("ends_at", sa.Double()),
        column("registered_by", NAME),
        column("registered_at", sa.Double()),
        column("withdrawn_at", sa.Double(), nullable=True),
        column("withdrawn_by", NAME),
        column("withdrawn_why", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_permitted_uses"),
    )
    op.create_index("ix_permitted_uses_ministry_use_class", "permitted_uses", ["ministry", "use_class"])
    op.create_table(
        "dataset_permits",
        column("id", ID),
        column("tenant", NAME),
        column("name", NAME),
        column("version", sa.Integer()),
        column("digest", DIGEST),
        column("use_classes", sa.Text()),
        column("card", sa.String(1000)),
        column("custodian", NAME),
        column("reason", sa.Text()),
        column("begins_at", sa.Double()),
        column("ends_at", sa.Double()),
        column("given_at", sa.Double()),
        column("revoked_at", sa.Double(), nullable=True),
        column("revoked_by", NAME),
        column("revoked_why", sa.Text()),
        sa.PrimaryKeyConstraint("id", name="pk_dataset_permits"),
    )
    op.create_index("ix_dataset_permits_digest", "dataset_permits", ["digest"])
    op.create_index("ix_dataset_permits_tenant_name", "dataset_permits", ["tenant", "name"])
    op.create_table(
        "access_permits",
        column("id", ID),
        column("object", OBJECT),
        column("giver", NAME),
        column("ministry", NAME),
        column("purpose", sa.String(60)),
        column("begins_at", sa.Double()),
        column("ends_at", sa.Double()),
        column("given_by", NAME),
        column("given_at", sa.Double()),
        column("reason", sa.Text()),
        column("revoked_at", sa.Double(), nullable=True),
        column("revoked_by", NAME),
        sa.PrimaryKeyConstraint("id", name="pk_access_permits"),
    )
    for name in ("object", "ministry", "giver"):
        op.create_index(f"ix_access_permits_{name}", "access_permits", [name])


def _proposals() -> None:
    op.create_table(
        "run_submitters",
        column("run_id", ID),
        column("person", NAME),
        column("at", sa.Double()),
        sa.PrimaryKeyConstraint("run_id", "person", name="pk_run_submitters"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_submitters_run_id", ondelete="CASCADE"),
    )
    op.create_table(
        "proposals",
        column("id", ID),
        column("tenant", NAME),
        column("kind", sa.String(20)),
        column("object", OBJECT),
        column("label", LABEL),
        column("binding", sa.Text()),
        column("digest", DIGEST),
        column("reason", sa.Text()),
        column("proposer", NAME),
        column("submitters", sa.Text()),
        column("needs", sa.Integer()),
        column("state", sa.String(20)),
        column("note", sa.Text()),
        column("proposed_at", sa.Double()),
        column("expires_at", sa.Double()),
        column("changed_at", sa.Double()),
        column("carried_out_at", sa.Double(), nullable=True),
        column("version", sa.Integer()),
        column("open_key", sa.String(700), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
        sa.UniqueConstraint("open_key", name="uq_proposals_open_key"),
    )
    op.create_index("ix_proposals_tenant_state", "proposals", ["tenant", "state"])
    op.create_index("ix_proposals_object", "proposals", ["object"])
    op.create_table(
        "votes",
        column("proposal", ID),
        column("person", NAME),
        column("choice", sa.String(20)),
        column("digest", DIGEST),
        column("reason", sa.Text()),
        column("voted_at", sa.Double()),
        sa.PrimaryKeyConstraint("proposal", "person", name="pk_votes"),
        sa.ForeignKeyConstraint(["proposal"], ["proposals.id"], name="fk_votes_proposal", ondelete="CASCADE"),
    )


def _models() -> None:
    op.create_table(
        "suspensions",
        column("id", ID),
        column("tenant", NAME),
        column("name", NAME),
        column("version", sa.Integer(), nullable=True),
        column("reason", sa.Text()),
        column("suspended_by", NAME),
        column("suspended_at", sa.Double()),
        column("lifted_at", sa.Double(), nullable=True),
        column("open_key", sa.String(500), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_suspensions"),
        sa.UniqueConstraint("open_key", name="uq_suspensions_open_key"),
    )
    op.create_index("ix_suspensions_tenant_name", "suspensions", ["tenant", "name"])
    op.create_table(
        "label_releases",
        column("proposal", ID),
        column("tenant", NAME),
        column("digest", DIGEST),
        column("from_label", LABEL),
        column("to_label", LABEL),
        column("released_at", sa.Double()),
        sa.PrimaryKeyConstraint("proposal", name="pk_label_releases"),
    )
    op.create_index("ix_label_releases_tenant_digest", "label_releases", ["tenant", "digest"])
    op.create_table(
        "model_standings",
        column("tenant", NAME),
        column("name", NAME),
        column("version", sa.Integer()),
        column("standing", sa.String(20)),
        column("since", sa.Double(), nullable=True),
        column("lapses", sa.Text()),
        column("noted_at", sa.Double()),
        sa.PrimaryKeyConstraint("tenant", "name", "version", name="pk_model_standings"),
    )


def downgrade() -> None:
    for table in (
        "model_standings",
        "label_releases",
        "suspensions",
        "votes",
        "proposals",
        "run_submitters",
        "access_permits",
        "dataset_permits",
        "permitted_uses",
    ):
        op.drop_table(table)
