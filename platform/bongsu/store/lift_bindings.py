"""What is bound by a proposal to lift a suspension: the suspension, and every version that would be let go."""

from __future__ import annotations

import json

from sqlalchemy import Connection, select

from bongsu.domain.approval import Binding, ProposalKind
from bongsu.domain.ids import digest_of
from bongsu.domain.labels import Label, high_water_mark
from bongsu.domain.suspension import Suspension
from bongsu.store.schema import model_versions


def lift_binding(connection: Connection, suspension: Suspension) -> Binding:
    """A version that is registered meanwhile makes it another one: nobody has looked at that."""
    query = select(model_versions.c.version, model_versions.c.digest, model_versions.c.label).where(
        model_versions.c.name == suspension.name, model_versions.c.ministry == suspension.tenant
    )
    rows = [row for row in connection.execute(query) if suspension.version in (None, row.version)]
    versions = sorted((row.version, row.digest) for row in rows)
    return Binding(
        kind=ProposalKind.LIFT,
        object=suspension.object,
        target=suspension.id,
        content=digest_of(json.dumps(versions).encode()),
        evidence=(),
        plan_hash="",
        label=str(high_water_mark(Label.parse(row.label) for row in rows)),
        use_class="",
        evidence_until=0.0,
    )
