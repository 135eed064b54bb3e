"""What bytes are is for a ministry to say of its own: what another one calls the same bytes changes nothing."""

from __future__ import annotations

import pytest
from governed_places import GovernedPlace
from small_plans import plan_of, planned_input, stage

from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.plan import RunPlan
from bongsu.service.governance.carrying_out import carry_out
from bongsu.service.governance.deciding import approve
from bongsu.service.governance.proposing import propose
from bongsu.service.obstacles import against_rules
from bongsu.store.artifacts import note_artifact


def note(governed: GovernedPlace, ministry: str, digest: Digest, type_: ArtifactType) -> None:
    with governed.of(ministry).write() as connection:
        note_artifact(connection, ArtifactRef(digest=digest, type=type_, size=1), "same", governed.now)


def reading(digest: Digest, type_: ArtifactType) -> RunPlan:
    ref = ArtifactRef(digest=digest, type=type_, size=1)
    plan = plan_of(stage("a", "inputs.given"), inputs=[planned_input("given", "file:given", ref)])
    return plan.model_copy(update={"metadata": plan.metadata.model_copy(update={"ministry": "mnd"})})


def denied(governed: GovernedPlace, plan: RunPlan) -> list[str]:
    return [problem.code.name for problem in against_rules(governed.platform, plan)]


@pytest.mark.parametrize(
    ("mine", "theirs", "codes"),
    [
        (ArtifactType.DOCUMENTS, ArtifactType.MODEL, ["data.not-permitted"]),
        (ArtifactType.MODEL, ArtifactType.DOCUMENTS, []),
    ],
)
@pytest.mark.parametrize("is_stored", [True, False])
def test_whether_bytes_are_data_that_takes_a_permit(
    governed: GovernedPlace, mine: ArtifactType, theirs: ArtifactType, codes: list[str], is_stored: bool
) -> None:
    given = governed.tree("brought along")
    if is_stored:
        note(governed, "mnd", given, mine)
    assert denied(governed, reading(given, mine)) == codes
    note(governed, "army", given, theirs)
    assert denied(governed, reading(given, mine)) == codes


def test_an_approval_binds_the_evidence_of_the_ministry_that_it_is_of(governed: GovernedPlace) -> None:
    proposal = propose(governed.platform, governed.actor("lee"), governed.wish())
    note(governed, "army", proposal.binding.content, ArtifactType.EVALUATION)
    for person in ("ann", "bae"):
        approve(governed.platform, governed.actor(person), proposal.id, proposal.binding.digest)
    carry_out(governed.platform, governed.actor("lee"), proposal.id)
    assert governed.aliases() == {"production": 1}
