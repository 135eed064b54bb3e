"""A version is found by its name and number whosever it is, and so are the ministries that have a name."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_model_versions_name_version": ["name", "version"],
    "ix_model_versions_tenant_name_ministry": ["tenant", "name", "ministry"],
}


def upgrade() -> None:
    op.drop_index("ix_model_versions_name", "model_versions")
    for name, columns in INDEXES.items():
        op.create_index(name, "model_versions", columns)


def downgrade() -> None:
    for name in INDEXES:
        op.drop_index(name, "model_versions")
    op.create_index("ix_model_versions_name", "model_versions", ["name"])
