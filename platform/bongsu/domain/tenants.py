"""Whose an object is."""

from __future__ import annotations

from typing import NewType

Tenant = NewType("Tenant", str)
"""The name of a ministry; every object is of exactly one tenant, and is found there only."""

HOME = Tenant("")
"""The one tenant of a home on one machine, which has no ministries: what lies there is its owner's."""
