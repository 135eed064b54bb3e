"""Every object is of a tenant: names, digests and keys are found within one."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# What each table was found by before; the tenant comes first from now on.
KEYS = {
    "artifacts": ["digest"],
    "edges": ["source", "target", "kind"],
    "nodes": ["id"],
    "cache_entries": ["key"],
    "model_versions": ["name", "version"],
    "model_pages": ["digest", "pipeline"],
    "aliases": ["name", "alias"],
    "dataset_versions": ["name", "version"],
    "input_cache": ["location"],
}
# Indexes that lead with the tenant now, by table.
LED = {
    "edges": [["target"]],
    "cache_entries": [["pipeline", "stage_id", "created_at"]],
    "model_versions": [["digest"]],
    "dataset_versions": [["digest"]],
}
NEW = {
    "artifacts": [["tenant", "label"]],
    "nodes": [["tenant", "label"]],
    "model_versions": [["tenant", "label"]],
    "dataset_versions": [["tenant", "label"]],
    "runs": [["tenant", "label", "created_at"], ["tenant", "created_at"]],
}


def _index(table: str, columns: list[str]) -> str:
    return f"ix_{table}_{'_'.join(columns)}"


def _tenant() -> sa.Column[str]:
    return sa.Column("tenant", sa.String(200), nullable=False, server_default="")


def upgrade() -> None:
    # Not as a batch: SQLite would make the table anew, and stages go with the runs of the old one.
    op.add_column("runs", _tenant())
    op.add_column("runs", sa.Column("submitted_by", sa.String(200), nullable=False, server_default=""))
    for table, key in KEYS.items():
        with op.batch_alter_table(table) as batch:
            batch.add_column(_tenant())
            batch.drop_constraint(f"pk_{table}", type_="primary")
            batch.create_primary_key(f"pk_{table}", ["tenant", *key])
    for table, indexes in LED.items():
        for columns in indexes:
            op.drop_index(_index(table, columns), table)
            op.create_index(_index(table, ["tenant", *columns]), table, ["tenant", *columns])
    for table, indexes in NEW.items():
        for columns in indexes:
            op.create_index(_index(table, columns), table, columns)


def downgrade() -> None:
    _refuse_ministries()
    for table, indexes in NEW.items():
        for columns in indexes:
            op.drop_index(_index(table, columns), table)
    for table, indexes in LED.items():
        for columns in indexes:
            op.drop_index(_index(table, ["tenant", *columns]), table)
            op.create_index(_index(table, columns), table, columns)
    for table, key in KEYS.items():
        with op.batch_alter_table(table) as batch:
            batch.drop_constraint(f"pk_{table}", type_="primary")
            batch.create_primary_key(f"pk_{table}", key)
            batch.drop_column("tenant")
    op.drop_column("runs", "submitted_by")
    op.drop_column("runs", "tenant")


def _refuse_ministries() -> None:
    """Without tenants everything would be everybody's, and what two of them call alike would be one."""
    for table in ("runs", *KEYS):
        owned = sa.table(table, sa.column("tenant"))
        if op.get_bind().execute(sa.select(owned.c.tenant).where(owned.c.tenant != "").limit(1)).first():
            raise ValueError(f"the table {table} has rows of ministries, which the older schema cannot keep apart")
