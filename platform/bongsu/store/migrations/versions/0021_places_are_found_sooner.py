"""Places of the lineage graph are compared as bytes, and found by what tells them apart first: their names."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PLACES = {"nodes": ("id",), "edges": ("source", "target")}
KEYS = {"nodes": ["id", "tenant"], "edges": ["source", "tenant", "target", "kind"]}
KEYS_BEFORE = {"nodes": ["tenant", "id"], "edges": ["tenant", "source", "target", "kind"]}


def upgrade() -> None:
    op.drop_index("ix_edges_tenant_target", "edges")
    _change(KEYS, sa.String(300).with_variant(sa.String(300, collation="C"), "postgresql"))
    op.create_index("ix_edges_target_tenant", "edges", ["target", "tenant"])


def downgrade() -> None:
    op.drop_index("ix_edges_target_tenant", "edges")
    _change(KEYS_BEFORE, sa.String(300).with_variant(sa.String(300, collation="default"), "postgresql"))
    op.create_index("ix_edges_tenant_target", "edges", ["tenant", "target"])


def _change(keys: dict[str, list[str]], kind: sa.types.TypeEngine[str]) -> None:
    for table, places in PLACES.items():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"pk_{table}", type_="primary")
            for column in places:
                batch.alter_column(column, type_=kind, existing_type=sa.String(300), existing_nullable=False)
            batch.create_primary_key(f"pk_{table}", keys[table])
