"""Ids of nodes of the lineage graph: ``input:<uri>``, ``artifact:<digest>``, ``stage:<run>/<stage>`` and
``version:<name>/<version>``; written and read here alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement

from bongsu.domain.ids import Digest, RunId, StageId, digest_of

_INPUT, _ARTIFACT, _STAGE, _VERSION = "input:", "artifact:", "stage:", "version:"


def input_node(uri: str) -> str:
    # A column holds 300 characters; what is longer is named by its digest.
    return _INPUT + (uri if len(uri) <= 290 else digest_of(uri.encode()))


def artifact_node(digest: str) -> str:
    return _ARTIFACT + digest


def stage_node(run_id: str, stage_id: str) -> str:
    return f"{_STAGE}{run_id}/{stage_id}"


def version_node(name: str, version: int) -> str:
    return f"{_VERSION}{name}/{version}"


def digest_at(node: str) -> Digest | None:
    """The tree that a node stands for; None if it is none of a tree."""
    return Digest(node.removeprefix(_ARTIFACT)) if node.startswith(_ARTIFACT) else None


def digests_among(nodes: Iterable[str]) -> Iterator[Digest]:
    """The trees that some of these nodes stand for, in their order."""
    return (digest for node in nodes if (digest := digest_at(node)) is not None)


def stage_at(node: str) -> tuple[RunId, StageId] | None:
    """The stage that a node stands for, with its run; None if it is none of a stage."""
    if not node.startswith(_STAGE):
        return None
    run_id, _, stage_id = node.removeprefix(_STAGE).partition("/")
    return RunId(run_id), StageId(stage_id)


def is_input(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Rows whose node stands for an input."""
    return column.startswith(_INPUT)


def is_version(column: ColumnElement[str]) -> ColumnElement[bool]:
    """Rows whose node stands for a registered version."""
    return column.startswith(_VERSION)
