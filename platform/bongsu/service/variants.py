"""The models of a run side by side: size, figures, what was lost against the uncompressed one, verdict, version."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bongsu.artifacts.checking import fault_of
from bongsu.artifacts.reading import read_json
from bongsu.domain.artifact import ArtifactRef, ArtifactType
from bongsu.domain.evidence import Evaluation, Verification, as_number, intervals_of, metrics_of, verdicts_of
from bongsu.domain.ids import Digest
from bongsu.domain.labels import Label
from bongsu.domain.plan import PlannedStage, Source
from bongsu.domain.ports import Role
from bongsu.domain.problems import BongsuError
from bongsu.domain.weights import weight_bytes
from bongsu.service.models import ModelVersion
from bongsu.service.platform import Platform
from bongsu.service.showing import RunDetails, show_run
from bongsu.store.models import versions_of_digests
from bongsu.store.pages import pages_of


@dataclass(frozen=True)
class Variant:
    """One model of a run.

    Attributes:
        title: of the stage that made it, e.g. ``quantize (keepFraction=0.5)``; ``inputs.base`` for an input.
        stage_id: None for an input of the pipeline.
        size: bytes of the whole tree; None if the artifact is no longer there, or damaged.
        weights_bytes: bytes of the weight files alone, what a server has to load.
        metrics, intervals: by name, from evaluations of exactly these bytes.
        change: of each metric against the baseline, ``0.05`` for 5% more. A model among the pipeline's inputs has none,
            and no ``shrink``: it is what was there before the adaptation, and no result to be judged. None either for
            a speed whose interval meets the baseline's: that the machine was measured twice tells no more.
        shrink: how many times smaller the weights are than the baseline's.
        baseline: it is the uncompressed model that the others are compared with.
        verified: verdict of the verification gate, None if it was not asked.
        version: the registered version of these bytes, if there is one; None where the run is to register one and has
            not. Of a run that registers, it is one of the name that it registers under.
        page: where MLflow shows these bytes once `bongsu mlflow` serves its pages; None while MLflow has not heard of
            them.
    """

    title: str
    stage_id: str | None
    digest: Digest
    label: Label
    size: int | None = None
    weights_bytes: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    change: Mapping[str, float] = field(default_factory=dict)
    shrink: float | None = None
    baseline: bool = False
    verified: bool | None = None
    version: ModelVersion | None = None
    page: str | None = None


def variants(platform: Platform, run: str) -> list[Variant]:
    """Models of a run in the plan's order: those among its inputs, then what its stages made; each digest once.

    Raises ``run.unknown``, ``run.ambiguous``.
    """
    return variants_of(platform, show_run(platform, run))


def variants_of(platform: Platform, details: RunDetails) -> list[Variant]:
    """As :func:`variants`, of a run that was looked at already."""
    trees = _models(details)
    if not trees:
        return []
    read = _contents(platform, details, ArtifactType.EVALUATION, "evaluation.json")
    evaluations = [Evaluation.model_validate(content) for content in read]
    read = _contents(platform, details, ArtifactType.VERIFICATION, "verification.json")
    verdicts = verdicts_of(Verification.model_validate(content) for content in read)
    metrics, intervals = metrics_of(evaluations), intervals_of(evaluations)
    base = baseline_digest(details)
    registering = [stage for stage in details.stages if _registers(stage.planned)]
    with platform.read() as connection:
        versions = versions_of_digests(connection, list(trees), _names(stage.planned for stage in registering))
        pages = pages_of(connection, list(trees), details.run.pipeline)
    # A version of the same bytes from another run would look like what this run has come to.
    awaits = any(not stage.record.state.has_output for stage in registering)
    base_metrics = metrics.get(base, {}) if base else {}
    base_weights = _sizes(platform, base)[1] if base else None
    rows = []
    for digest, (title, stage_id, ref) in trees.items():
        size, weights = _sizes(platform, digest)
        mine = metrics.get(digest, {})
        compared = stage_id is not None and digest != base
        alike = _alike(intervals.get(digest, {}), intervals.get(base, {}) if base else {})
        rows.append(
            Variant(
                title=title,
                stage_id=stage_id,
                digest=digest,
                label=ref.label,
                size=size,
                weights_bytes=weights,
                metrics=mine,
                intervals=intervals.get(digest, {}),
                change=_change(mine, base_metrics, alike) if compared else {},
                shrink=base_weights / weights if compared and base_weights and weights else None,
                baseline=digest == base,
                verified=verdicts.get(digest),
                version=None if awaits else versions.get(digest),
                page=platform.pages + pages[digest] if digest in pages else None,
            )
        )
    return rows


def baseline_digest(details: RunDetails) -> Digest | None:
    """The uncompressed model: what a registration compares with, else what the first compression started from."""
    for stage in details.stages:
        for source in stage.planned.models(Role.BASELINE):
            return _digest(details, source)
    made_by = {stage.planned.id: stage.planned for stage in details.stages}
    for stage in details.stages:
        if stage.planned.is_compression:
            for source in _model_sources(details, stage.planned):
                if source.stage_id is None or not made_by[source.stage_id].is_compression:
                    return _digest(details, source)
    return None


def _registers(planned: PlannedStage) -> bool:
    return ArtifactType.REGISTRATION in planned.outputs.values()


def _names(registering: Iterable[PlannedStage]) -> set[str] | None:
    """Under which a run registers; None for any name: it registers nothing, or does not say as what."""
    names = [planned.params.get("name") for planned in registering]
    return {str(name) for name in names} if names and None not in names else None


def _model_sources(details: RunDetails, planned: PlannedStage) -> Iterator[Source]:
    for sources in planned.inputs.values():
        for source in sources:
            ref = _ref(details, source)
            if ref is not None and ref.type is ArtifactType.MODEL:
                yield source


def _digest(details: RunDetails, source: Source) -> Digest | None:
    ref = _ref(details, source)
    return ref.digest if ref else None


def _ref(details: RunDetails, source: Source) -> ArtifactRef | None:
    if source.stage_id is None:
        return next(entry.ref for entry in details.plan.inputs if entry.name == source.name)
    return details.stage(source.stage_id).record.outputs.get(source.name)


def _models(details: RunDetails) -> dict[Digest, tuple[str, str | None, ArtifactRef]]:
    found: dict[Digest, tuple[str, str | None, ArtifactRef]] = {}
    for entry in details.plan.inputs:
        if entry.ref.type is ArtifactType.MODEL:
            found.setdefault(entry.ref.digest, (f"inputs.{entry.name}", None, entry.ref))
    for stage in details.stages:
        for ref in stage.record.outputs.values():
            if ref.type is ArtifactType.MODEL:
                found.setdefault(ref.digest, (stage.planned.title, stage.planned.id, ref))
    return found


def _contents(platform: Platform, details: RunDetails, type_: ArtifactType, file: str) -> Iterator[Any]:
    """Content of a JSON file in every such tree of the run; what cannot be read is passed over."""
    for stage in details.stages:
        evidence = stage.last_failure.evidence if stage.last_failure else {}
        for ref in (*stage.record.outputs.values(), *evidence.values()):
            if ref.type is type_:
                with contextlib.suppress(BongsuError, OSError, ValueError):
                    yield read_json(platform.artifacts.reader(ref.digest), file)


def _alike(mine: Mapping[str, tuple[float, float]], base: Mapping[str, tuple[float, float]]) -> set[str]:
    """Speeds of which nobody can tell which is the larger. Other figures come from the same tokens or questions for
    both, and differ by less than the interval of either says."""
    shared = {name for name in mine.keys() & base.keys() if name.startswith("speed.")}
    return {name for name in shared if mine[name][0] <= base[name][1] and base[name][0] <= mine[name][1]}


def _change(mine: Mapping[str, float], base: Mapping[str, float], alike: Collection[str]) -> dict[str, float]:
    compared = {name: value for name, value in mine.items() if base.get(name) and name not in alike}
    changes = {name: as_number(value / base[name] - 1) for name, value in compared.items()}
    return {name: change for name, change in changes.items() if change is not None}


def _sizes(platform: Platform, digest: Digest) -> tuple[int | None, int | None]:
    if fault_of(platform.artifacts, digest) is not None:
        return None, None
    files = platform.artifacts.reader(digest).manifest.files
    return sum(f.size for f in files), weight_bytes(files)
