"""Who acts in a home that no ministries share: its one owner, who is everything in it."""

from __future__ import annotations

from bongsu.domain.people import Actor, Role
from bongsu.domain.tenants import HOME

OWNER = Actor(id="owner", name="owner", roles={HOME: frozenset(Role)})
"""No ministry has this tenant's name, so that nobody of a server is ever taken for the owner."""
