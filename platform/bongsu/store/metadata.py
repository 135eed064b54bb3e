"""What all tables share: their register, the names of their constraints, and the types of what they are found by.

Names of constraints are fixed, so that migrations can refer to them on every database.
"""

from __future__ import annotations

from sqlalchemy import MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class LabelText(String):
    """A label as it is written. Lists compare columns of this type as labels, and not as words."""


ID = String(64)
DIGEST = String(71)
NAME = String(200)
LABEL = LabelText(500)
# A place in the lineage graph. Compared as bytes: a walk compares them hundreds of thousands of times, and by the
# rules of a language each comparison costs several times as much.
PLACE = String(300).with_variant(String(300, collation="C"), "postgresql")
