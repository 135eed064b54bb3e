"""Gathering what a report shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from bongsu.artifacts.reading import read_json
from bongsu.domain.problems import BongsuError
from bongsu.domain.run import StageState
from bongsu.domain.titles import brief
from bongsu.service.lineage import run_graph
from bongsu.service.platform import Platform
from bongsu.service.report.model import Broken, GraphEdge, GraphNode, ReportVariant, RunReport
from bongsu.service.report.origins import loss_series, timelines, works
from bongsu.service.showing import RunDetails, show_run
from bongsu.service.variants import Variant, variants
from bongsu.store.lineage import Node
from bongsu.store.node_ids import stage_node


def collect(platform: Platform, run: str) -> RunReport:
    """Everything that the page about a run shows. Raises ``run.unknown``, ``run.ambiguous``."""
    details = show_run(platform, run)
    record = details.run
    done = works(platform, details)
    nodes, edges = run_graph(platform, record.id)
    groups = {stage_node(record.id, s.planned.id): s.planned.stage for s in details.stages if s.planned.point}
    return RunReport(
        run_id=record.id,
        pipeline=record.pipeline,
        ministry=record.ministry,
        purpose=details.plan.purpose.statement,
        use_class=record.use_class,
        state=record.state.value,
        label=record.label,
        plan_hash=record.plan_hash,
        started=_time(record.started_at),
        finished=_time(record.finished_at),
        generated=datetime.fromtimestamp(platform.clock(), UTC),
        worked_seconds=record.worked_seconds,
        interrupted=record.interrupted,
        broken=tuple(broken(details)),
        variants=tuple(report_variant(v) for v in variants(platform, record.id) if v.metrics or v.version),
        series=tuple(loss_series(platform, done)),
        timelines=tuple(timelines(done)),
        nodes=tuple(GraphNode(n.id, n.kind, _named(n), n.label, groups.get(n.id, "")) for n in nodes),
        edges=tuple(GraphEdge(e.source, e.target) for e in edges),
        cards=tuple(_cards(platform, details)),
    )


def broken(details: RunDetails) -> Iterator[Broken]:
    """Every attempt that failed, and stages that failed without one, in the plan's order."""
    for stage in details.stages:
        title = stage.planned.short_title
        for attempt in stage.attempts:
            if attempt.failure is not None:
                failure = attempt.failure
                yield Broken(title, attempt.number, attempt.state.value, failure.message, failure.fix)
        if stage.record.state is StageState.FAILED and stage.last_failure is None:
            yield Broken(title, None, stage.record.state.value, stage.record.reason)


def report_variant(variant: Variant) -> ReportVariant:
    version = variant.version
    return ReportVariant(
        title=brief(variant.title),
        digest=variant.digest,
        weights_bytes=variant.weights_bytes or 0,
        metrics=dict(variant.metrics),
        intervals=dict(variant.intervals),
        change=dict(variant.change),
        shrink=variant.shrink,
        baseline=variant.baseline,
        verified=variant.verified,
        label=str(variant.label),
        version=f"{version.name}/{version.version}" if version else None,
    )


def _named(node: Node) -> str:
    """The title in short; of an input that was taken by an alias, with the version that it was."""
    versions = [version for version in node.body.get("versions", ()) if not node.title.endswith(version)]
    return " = ".join([brief(node.title), *versions])


def _cards(platform: Platform, details: RunDetails) -> Iterator[tuple[str, dict[str, Any]]]:
    for stage in details.stages:
        for ref in stage.record.outputs.values():
            try:
                reader = platform.artifacts.reader(ref.digest)
                if any(entry.path == "card.json" for entry in reader.manifest.files):
                    card = read_json(reader, "card.json")
                    if isinstance(card, dict):
                        yield stage.planned.short_title, card
            except (BongsuError, OSError, ValueError):
                continue


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
