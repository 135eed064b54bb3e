"""Declaring a stage: ``@stage("compress.expert-prune", params=..., inputs=..., outputs=...)``.

The module that declares a stage is imported by planners that have no torch: it imports what it computes with
inside the function.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bongsu.domain.phrases import Words
from bongsu.domain.ports import Port
from bongsu.domain.stages import Objection, Params, StageFacts, StageSignature
from bongsu.domain.stored_words import kept
from bongsu.domain.workload import Workload
from bongsu_stages.runtime.code import code_digest
from bongsu_stages.runtime.context import StageContext, StageOutputs

P = TypeVar("P", bound=Params)
StageFunction = Callable[[StageContext, Any], StageOutputs]


class StageError(Exception):
    """What a stage raises when its input or parameters make its work impossible.

    ``str()`` is its message in English. What it holds goes with it to another process.

    Args:
        message: what is wrong, in one sentence; :func:`bongsu.domain.phrases.phrase` if it has values.
        fix: what the person can do.
        retryable: False (the default) when another attempt would fail in the same way.
        keep: names of outputs that are whole and tell of the failure.
    """

    def __init__(
        self, message: Words, fix: Words = "", *, retryable: bool = False, keep: Sequence[str] = ()
    ) -> None:
        self.message = kept(message)
        self.fix = kept(fix)
        super().__init__(str(self.message))
        self.retryable = retryable
        self.keep = tuple(keep)

    def __reduce__(self) -> tuple[Callable[..., StageError], tuple[Any, ...]]:
        """Made again from all of it in another process; by itself it would be from its text."""
        return _stage_error, (self.message, self.fix, self.retryable, self.keep)


def no_titles(_params: object) -> frozenset[str]:
    """For ``titles`` of a stage that makes the same of equal bytes, whatever they are called."""
    return frozenset()


def _stage_error(message: Words, fix: Words, retryable: bool, keep: Sequence[str]) -> StageError:
    return StageError(message, fix, retryable=retryable, keep=keep)


@dataclass(frozen=True)
class StageDefinition:
    """A signature and the function that does the work. This is what a ``bongsu.stages`` entry point names."""

    signature: StageSignature
    function: StageFunction


def stage(
    name: str,
    *,
    params: type[P],
    inputs: Mapping[str, Port] | None = None,
    outputs: Mapping[str, Port] | None = None,
    workload: Callable[[P, int], Workload] = lambda _params, _length: Workload(),
    packed_length: Callable[[P], int | None] = lambda _params: None,
    distributed: bool = False,
    model_effect: Callable[[P, dict[str, Any]], dict[str, Any]] = lambda _params, config: config,
    check: Callable[[P, StageFacts], Iterable[Objection]] = lambda _params, _facts: (),
    measures: Callable[[P], frozenset[str] | None] = lambda _params: None,
    compresses: bool = False,
    secrets: tuple[str, ...] = (),
    incidental: frozenset[str] = frozenset(),
    titles: Callable[[P], frozenset[str] | None] = lambda _params: None,
    signs: bool = False,
    measures_machine: bool = False,
    cacheable: bool = True,
    for_drills: bool = False,
) -> Callable[[Callable[[StageContext, P], StageOutputs]], StageDefinition]:
    """Turn a function into a :class:`StageDefinition`; the arguments are those of ``StageSignature``."""

    def declare(function: Callable[[StageContext, P], StageOutputs]) -> StageDefinition:
        doc = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        signature = StageSignature(
            name=name,
            params=params,
            inputs=dict(inputs or {}),
            outputs=dict(outputs or {}),
            doc=doc,
            digest_code=lambda: code_digest(function.__module__),
            workload=workload,
            packed_length=packed_length,
            distributed=distributed,
            model_effect=model_effect,
            check=check,
            measures=measures,
            compresses=compresses,
            secrets=secrets,
            incidental=incidental,
            titles=titles,
            signs=signs,
            measures_machine=measures_machine,
            cacheable=cacheable,
            for_drills=for_drills,
        )
        return StageDefinition(signature, function)

    return declare
