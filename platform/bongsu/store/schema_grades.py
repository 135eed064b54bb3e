"""Which grades the site states."""

from __future__ import annotations

from sqlalchemy import Column, Double, String, Table

from bongsu.store.metadata import ID, metadata

site_grades = Table(
    "site_grades",
    metadata,
    # Of what: `site`. There is one row at most.
    Column("name", ID, primary_key=True),
    # `n2sf` or `military`.
    Column("scheme", String(20), nullable=False),
    # The grade of what is marked 대외비.
    Column("restricted", String(8), nullable=False),
    Column("set_at", Double, nullable=False),
)
