"""Ids of nodes: what is written is read again, and nothing else."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bongsu.domain.ids import digest_of
from bongsu.store.node_ids import (
    artifact_node,
    digest_at,
    digests_among,
    input_node,
    stage_at,
    stage_node,
    version_node,
)

NAMES = st.from_regex(r"[a-z][a-z0-9:-]{0,20}", fullmatch=True)


@given(st.binary(), NAMES, NAMES, st.integers(1, 99), st.text(max_size=400))
def test_each_node_is_read_as_what_it_was_written_for(
    data: bytes, run: str, stage: str, version: int, uri: str
) -> None:
    digest = digest_of(data)
    tree, place = artifact_node(digest), stage_node(run, stage)
    others = [input_node(uri), version_node(run, version), input_node(tree), input_node(place)]
    assert digest_at(tree) == digest
    assert stage_at(place) == (run, stage)
    assert [digest_at(one) for one in (place, *others)] == [None] * 5
    assert [stage_at(one) for one in (tree, *others)] == [None] * 5
    assert list(digests_among([*others, tree, place, tree])) == [digest, digest]
