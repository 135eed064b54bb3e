"""What the control plane tells a tracking server: facts about runs and stages, and requests to register.

Every item has a ``key``. Items are delivered at least once, so a receiver that has seen a key does nothing.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bongsu.domain.artifact import ArtifactRef
from bongsu.domain.ids import Digest
from bongsu.domain.labels import OPEN, Label


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PublishedTree(_Frozen):
    """An input or output tree as lineage names it: port, readable title, reference, and where it lies."""

    port: str
    title: str
    ref: ArtifactRef
    uri: str = ""


class MetricPoint(_Frozen):
    """``value`` of metric ``name`` at ``step``; ``time`` in seconds since the epoch."""

    name: str
    value: float
    step: int
    time: float


class RunOpened(_Frozen):
    """A run began."""

    type: Literal["run-opened"] = "run-opened"
    run_id: str
    pipeline: str
    ministry: str
    plan_hash: Digest
    purpose: str
    use_class: str
    label: Label = OPEN
    parameters: dict[str, Any] = {}
    time: datetime

    @property
    def key(self) -> str:
        return self.run_id


class StageFinished(_Frozen):
    """An attempt ended, or a stage took its output from the cache (``state`` says which; attempt 0 then).

    ``ministry`` is the run's; empty in what was written before that was noted.
    """

    type: Literal["stage-finished"] = "stage-finished"
    run_id: str
    ministry: str = ""
    stage_id: str
    attempt: int
    title: str
    uses: str
    pipeline: str
    state: str
    label: Label = OPEN
    params: dict[str, Any] = {}
    metrics: dict[str, float] = {}
    history: tuple[MetricPoint, ...] = ()
    inputs: tuple[PublishedTree, ...] = ()
    outputs: tuple[PublishedTree, ...] = ()
    notes: dict[str, str] = {}
    environment: dict[str, str] = {}
    failure: str = ""
    started_at: datetime
    finished_at: datetime

    @property
    def key(self) -> str:
        return f"{self.run_id}/{self.stage_id}/{self.attempt}"


class RunClosed(_Frozen):
    """A run reached a final state; ``label`` is what it carries now that all its outputs are known."""

    type: Literal["run-closed"] = "run-closed"
    run_id: str
    ministry: str = ""
    pipeline: str
    state: str
    label: Label | None = None
    time: datetime

    @property
    def key(self) -> str:
        return f"{self.run_id}/closed"


class ModelPage(_Frozen):
    """Where the tracking server shows a model: ``path`` below its address, e.g. ``/#/experiments/1/models/m-...``.

    ``pipeline`` names the experiment, because each experiment has a page of its own for the same bytes.
    """

    digest: Digest
    pipeline: str
    path: str


ModelName = Annotated[str, Field(pattern=r"^[a-zA-Z0-9][a-zA-Z0-9._-]*$", max_length=100)]
"""Name of a registered model: nothing that means something else in a path, an address or a filter."""

Alias = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$", max_length=100)]
"""Name of one version among those of a model."""


class RegistrationRefused(Exception):
    """The registry said no, and will say it again; any other exception means that it gave no answer."""


class RegistrationRequest(_Frozen):
    """Make a model version out of an artifact. ``key`` makes repeating it harmless.

    Attributes:
        model: the artifact that becomes the version; its bytes are not copied.
        source_uri: where the tree lies, e.g. ``file:///...`` or ``s3://...``.
        card: model card, Markdown.
        evidence: digests of the evaluations and verifications that speak for these bytes.
    """

    key: str
    run_id: str
    stage_id: str
    pipeline: str
    ministry: str
    use_class: str
    name: ModelName
    alias: Alias | None = None
    title: str = ""
    model: ArtifactRef
    source_uri: str
    card: str = ""
    metrics: dict[str, float] = {}
    tags: dict[str, str] = {}
    evidence: tuple[Digest, ...] = ()


class RegisteredVersion(_Frozen):
    """A model version as the registry keeps it; ``link`` opens it, or says where to look."""

    name: str
    version: int
    link: str = ""


class VersionRegistered(_Frozen):
    """A model version was made, and is what ``version`` says: for a tracking server that has to be told everything
    again."""

    type: Literal["version-registered"] = "version-registered"
    request: RegistrationRequest
    version: int

    @property
    def run_id(self) -> str:
        return self.request.run_id

    @property
    def key(self) -> str:
        return f"{self.request.key}/version"


class AliasChanged(_Frozen):
    """An alias was moved or taken away by a decision.

    It says to look, and not what to see: ``version`` is filled in when it is told, with what is so then (None if the
    alias stands for nothing). So items that come late, twice or in another order come to the same.
    """

    type: Literal["alias-changed"] = "alias-changed"
    run_id: str
    name: ModelName
    alias: Alias
    version: int | None = None
    ministry: str = ""

    @property
    def key(self) -> str:
        return f"{self.name}@{self.alias}"


class LabelChanged(_Frozen):
    """The label of a model version was changed by a decision.

    As of :class:`AliasChanged` it says to look: ``label`` is filled in when it is told, with what is so then.
    """

    type: Literal["label-changed"] = "label-changed"
    run_id: str
    name: ModelName
    version: int
    label: Label | None = None
    ministry: str = ""

    @property
    def key(self) -> str:
        return f"{self.name}/{self.version}#label"


class SuspensionChanged(_Frozen):
    """A model version was suspended, or a suspension of it ended.

    As of :class:`AliasChanged` it says to look: ``suspended_at`` is filled in when it is told, with what is so then.

    Attributes:
        suspended_at: since when it must not be used, in seconds since the epoch; None if it may be.
    """

    type: Literal["suspension-changed"] = "suspension-changed"
    run_id: str
    name: ModelName
    version: int
    suspended_at: float | None = None
    ministry: str = ""

    @property
    def key(self) -> str:
        return f"{self.name}/{self.version}#suspended"


class RunRelabelled(_Frozen):
    """Labels changed after the fact: of a run, of its stages, or of trees that these took or gave.

    As of :class:`AliasChanged` it says to look: labels are filled in when it is told, with what is so then.

    Attributes:
        label: of the run.
        stages: labels of its stages, as far as they have any of their own; no lower than that of the run.
        trees: labels of what the stages took and gave.
    """

    type: Literal["run-relabelled"] = "run-relabelled"
    run_id: str
    ministry: str = ""
    pipeline: str
    label: Label | None = None
    stages: dict[str, Label] = {}
    trees: dict[Digest, Label] = {}

    @property
    def key(self) -> str:
        return f"{self.run_id}#label"


Publication = Annotated[
    RunOpened
    | StageFinished
    | RunClosed
    | VersionRegistered
    | AliasChanged
    | LabelChanged
    | SuspensionChanged
    | RunRelabelled,
    Field(discriminator="type"),
]
