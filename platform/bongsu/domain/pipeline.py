"""The pipeline as a person writes it (``apiVersion: bongsu.dev/v1alpha1``, ``kind: Pipeline``).

These models check shapes and units. What needs more than one field at a time (references, cycles, types of
ports) is checked where the file's places are known, in ``bongsu.specfile``.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bongsu.domain.labels import OPEN, Label
from bongsu.domain.resources import Duration, Resources
from bongsu.domain.uses import UseClass

NAME_PATTERN = r"^[a-z]([-a-z0-9]*[a-z0-9])?$"
NAME_FORM = "Lower-case letters, digits and hyphens, starting with a letter"
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=40, description=NAME_FORM)]
Key = Annotated[
    str,
    Field(pattern=r"^[a-zA-Z][a-zA-Z0-9]*$", max_length=40, description="Letters and digits, in camelCase"),
]
Scalar = bool | int | float | str


class Spec(BaseModel):
    """Base of everything in a pipeline file: camelCase keys, unknown keys refused, frozen."""

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


class Metadata(Spec):
    name: Name
    ministry: Name = Field(description="Tenant that owns the run, e.g. mnd, msit, army")
    labels: dict[str, str] = Field(default_factory=dict, description="Free labels for searching")


class Purpose(Spec):
    """What the model is for; checked against the permitted uses before anything starts."""

    use_class: UseClass
    statement: str = Field(min_length=8, max_length=2000, description="The use in one or two sentences")


class Parameter(Spec):
    """A value that ``--set NAME=VALUE`` may change; used as ``${params.NAME}``."""

    name: Key
    default: Scalar
    description: str = ""


class Input(Spec):
    """Where something from outside comes from. Exactly one of ``model`` and ``dataset``.

    Accepted: ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``datasets:/NAME/VERSION``,
    ``models://MINISTRY/NAME/VERSION`` and ``datasets://MINISTRY/NAME/VERSION`` (what another ministry shares for the
    purpose of the run), ``artifact:sha256-...``, ``file:PATH`` (relative to the pipeline file)
    and ``package:DISTRIBUTION/PATH`` (files that ship with an installed Python package).
    """

    model: str | None = None
    dataset: str | None = None
    label: Label | None = Field(default=None, description="Label of the content; the card's label if absent")

    @property
    def uri(self) -> str:
        return self.model or self.dataset or ""


class Matrix(Spec):
    """Axes whose points each become a stage: ``keepFraction: [0.75, 0.5]``, with ``include``/``exclude``."""

    model_config = ConfigDict(frozen=True, extra="allow", alias_generator=to_camel, populate_by_name=True)

    include: tuple[dict[str, Scalar], ...] = ()
    exclude: tuple[dict[str, Scalar], ...] = ()

    @property
    def axes(self) -> dict[str, list[Scalar]]:
        return dict(self.__pydantic_extra__ or {})


class Retries(Spec):
    """How often a failed attempt is followed by another, and how long to wait before it."""

    limit: int = Field(default=0, ge=0, le=20)
    backoff: Duration = Field(default="10s", validate_default=True, description="Wait before the first retry")
    factor: float = Field(default=2.0, ge=1, le=10, description="Each wait is this much longer")
    max_backoff: Duration = Field(default="10m", validate_default=True)


class Environment(Spec):
    """An environment of a stage's own. At most one of ``interpreter``, ``requirements`` and ``image``."""

    interpreter: str | None = Field(default=None, description="Path of a Python interpreter with bongsu in it")
    requirements: str | None = Field(
        default=None, description="Hash-pinned requirements file, relative to the pipeline"
    )
    image: str | None = Field(default=None, description="Container image, pinned by digest")
    variables: dict[str, str] = Field(default_factory=dict, description="Environment variables, no secrets")


class Stage(Spec):
    """One step: which code, on which inputs, with which parameters."""

    name: Name
    uses: str = Field(description="Registered stage, e.g. train.continue; `bongsu stages list` prints all")
    inputs: dict[Key, str | tuple[str, ...]] = Field(default_factory=dict, description="Port to reference(s)")
    with_: dict[str, Any] = Field(default_factory=dict, alias="with", description="Parameters of the stage")
    matrix: Matrix | None = None
    when: str | None = Field(default=None, max_length=500, description="Condition; the stage is skipped if false")
    retries: Retries = Retries()
    timeout: Duration | None = Field(default=None, description="Per attempt, e.g. 30m")
    resources: Resources = Resources()
    environment: Environment | None = None
    cache: bool = Field(default=True, description="Take the output of equal earlier work; false: always run")


class PipelineBody(Spec):
    purpose: Purpose
    grant: Name | None = Field(default=None, description="GPU grant that pays; needed once a stage asks for GPUs")
    classification: Label = Field(default=OPEN, description="Floor: no output is labelled lower")
    parameters: tuple[Parameter, ...] = ()
    inputs: dict[Key, Input] = Field(default_factory=dict)
    stages: tuple[Stage, ...] = Field(min_length=1, max_length=2000)


class PipelineSpec(Spec):
    api_version: Literal["bongsu.dev/v1alpha1"]
    kind: Literal["Pipeline"]
    metadata: Metadata
    spec: PipelineBody
