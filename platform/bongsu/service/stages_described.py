"""The stages that pipelines can use, as people and editors read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bongsu.domain.filters import FieldKind
from bongsu.domain.ids import Digest
from bongsu.domain.paging import ShortList
from bongsu.domain.ports import Port
from bongsu.domain.stages import StageSignature
from bongsu.service.catalogue import InstalledStages


@dataclass(frozen=True)
class PortDescribed:
    """Attributes:
    type: of artifact.
    many: it takes several.
    """

    type: str
    many: bool
    optional: bool
    description: str


@dataclass(frozen=True)
class StageDescribed:
    """Attributes:
    description: English; a message id, as those of ports and parameters are.
    code: digest of the source that computes it.
    distributed: it runs on as many workers as ``resources.workers`` says.
    for_drills: it does no work of its own and is for trying the platform.
    parameters: JSON Schema of ``with``.
    """

    name: str
    description: str
    code: Digest
    distributed: bool
    for_drills: bool
    inputs: dict[str, PortDescribed]
    outputs: dict[str, PortDescribed]
    parameters: dict[str, Any]


STAGES = ShortList[StageDescribed](
    key=lambda stage: (stage.name,), kinds=(str,), fields={"name": (FieldKind.WORD, lambda stage: stage.name)}
)


def list_stages() -> list[StageDescribed]:
    """What is installed here, by name."""
    return [_described(signature) for signature in InstalledStages().values()]


def show_stage(name: str) -> StageDescribed:
    """Raises ``cli.unknown-stage``."""
    return _described(InstalledStages().require(name))


def _described(signature: StageSignature) -> StageDescribed:
    return StageDescribed(
        signature.name,
        signature.doc,
        signature.code,
        signature.distributed,
        signature.for_drills,
        _ports(signature.inputs),
        _ports(signature.outputs),
        signature.params.model_json_schema(by_alias=True),
    )


def _ports(ports: Mapping[str, Port]) -> dict[str, PortDescribed]:
    return {
        name: PortDescribed(port.type.value, port.many, port.optional, port.doc) for name, port in ports.items()
    }
