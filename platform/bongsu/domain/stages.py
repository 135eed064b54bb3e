"""Stage signatures: what the planner must know of a stage without importing what it computes with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from bongsu.domain.artifact import ArtifactType
from bongsu.domain.ids import Digest
from bongsu.domain.phrases import Phrase
from bongsu.domain.ports import Port, Role
from bongsu.domain.workload import Workload


class Params(BaseModel):
    """Base of a stage's parameters: camelCase in files, unknown keys refused, frozen.

    Every field carries a description; a unit stands in its name or its description.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True)


UNVERSIONED = Digest("")


@dataclass(frozen=True)
class StageFacts:
    """What is known of a stage before it runs, beside its parameters.

    Attributes:
        inputs: how many trees each port gets; a port that is left out is absent.
        configs: ``config.json`` of the first model at each port, where it is known. While a file is only checked, none
            is.
        figures: names of the metrics in what is given at a port of evaluations, where all of them are known.
    """

    inputs: Mapping[str, int] = field(default_factory=dict)
    configs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    figures: Mapping[str, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Objection:
    """What a stage has to say against parameters that are right one by one.

    Attributes:
        field: what it is about, as in a stage of a file, e.g. ``("with", "groupSize")`` or ``("inputs", "model")``.
        detail: what is wrong: a clause without a full stop.
        advice: how to mend it: a whole sentence.
        is_error: False if the stage runs all the same, and does less than is asked for.
    """

    field: tuple[str, ...]
    detail: Phrase
    advice: Phrase
    is_error: bool = True


@dataclass(frozen=True)
class StageSignature:
    """A registered stage.

    Attributes:
        name: as written under ``uses``, e.g. ``compress.expert-prune``.
        params: pydantic model of ``with``.
        inputs, outputs: typed ports by name.
        doc: first paragraph of the stage's docstring.
        digest_code: reads the source that computes the stage, for :attr:`code`.
        workload: figures for the planner, from validated parameters and the tokens per sequence of its tokens inputs.
        packed_length: tokens per sequence of its tokens outputs, from validated parameters; None if it has none.
        distributed: runs on ``resources.workers`` workers; others take one.
        model_effect: maps (params, configuration of the input model) to that of the output model. A stage that takes
            no model is asked with what is known of its inputs, which may be nothing.
        check: what is wrong with validated parameters taken together, and with what the stage is given. Pure; asked
            when a file is checked, and again with the configurations of models when it is planned.
        measures: names of the metrics in the evaluation that it makes, from validated parameters; None if they depend
            on more.
        compresses: its output is a smaller or cheaper model, of which people ask what it lost against the uncompressed
            one.
        secrets: environment variables that the stage needs although their names or values are secret; under an
            interpreter of its own, a stage sees no others.
        incidental: parameters, as files write them, that change nothing of what the stage makes or reports, such as how
            often a training is saved. Work that differs in nothing else is the same work: it is taken from the cache,
            and goes on where it stopped.
        titles: ports of which the readable names of trees go into what it makes or reports, from validated parameters;
            None: of all of them. Where the names matter, work on trees of other names is other work.
        signs: what it makes says who had it made: pipeline, ministry, use and label. For others it is made anew.
        measures_machine: what it reports depends on what it runs on, so that its resources belong to what is measured.
        cacheable: an unchanged rerun may take the old output.
        for_drills: it does no work of its own and is for trying the platform; lists leave it out.
    """

    name: str
    params: type[Params]
    inputs: Mapping[str, Port] = field(default_factory=dict)
    outputs: Mapping[str, Port] = field(default_factory=dict)
    doc: str = ""
    digest_code: Callable[[], Digest] = lambda: UNVERSIONED
    workload: Callable[[Any, int], Workload] = lambda _params, _length: Workload()
    packed_length: Callable[[Any], int | None] = lambda _params: None
    distributed: bool = False
    model_effect: Callable[[Any, dict[str, Any]], dict[str, Any]] = lambda _params, config: config
    check: Callable[[Any, StageFacts], Iterable[Objection]] = lambda _params, _facts: ()
    measures: Callable[[Any], frozenset[str] | None] = lambda _params: None
    compresses: bool = False
    secrets: tuple[str, ...] = ()
    incidental: frozenset[str] = frozenset()
    titles: Callable[[Any], frozenset[str] | None] = lambda _params: None
    signs: bool = False
    measures_machine: bool = False
    cacheable: bool = True
    for_drills: bool = False

    @cached_property
    def code(self) -> Digest:
        """Digest of the source that computes the stage, as it was when it was first asked for; part of every cache
        key."""
        return self.digest_code()

    @property
    def roles(self) -> dict[str, Role]:
        """Role of what is given at each input that takes a model, in the order in which they are declared."""
        return {name: port.role for name, port in self.inputs.items() if port.type is ArtifactType.MODEL}


Catalogue = Mapping[str, StageSignature]
"""All stages that are installed, by name."""
