"""What an executor can run, and what it never can."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bongsu.domain.messages import N_
from bongsu.domain.phrases import Phrase, phrase
from bongsu.domain.resources import Resources

# Cores are added up as floats.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Capacity:
    """What the executor can run at once.

    Attributes:
        memory: bytes.
        accelerators: types of GPUs, where they are known.
        runs_images: a stage can name a container image to run in.
        is_here: workers see the files of this machine.
    """

    cpus: float
    gpus: int
    memory: int
    accelerators: tuple[str, ...] = ()
    runs_images: bool = False
    is_here: bool = False


@dataclass(frozen=True)
class Shortfall:
    """Why an executor could not run a stage even with nothing else to do.

    Attributes:
        field: of ``resources``, as in files, that asks for too much.
        reason: a clause.
        cure: what to ask for instead.
    """

    field: str
    reason: Phrase
    cure: Phrase


def shortfalls(needs: Resources, has: Capacity) -> Iterator[Shortfall]:
    """Everything that the gang would have to have at once and that is not there."""
    if needs.total_cpus > has.cpus + ROUNDING:
        yield _cores(needs, has)
    yield from _gpus(needs, has)
    if memory_asked(needs) > has.memory:
        yield Shortfall(
            "memory",
            phrase(
                N_("it needs {asked} GB of memory, and there are {there} GB"),
                asked=f"{memory_asked(needs) / 1e9:.1f}",
                there=f"{has.memory / 1e9:.1f}",
            ),
            phrase(N_("Ask for less memory"))
            if needs.workers == 1
            else phrase(N_("Ask for fewer workers or memory")),
        )


def memory_asked(needs: Resources) -> int:
    """Bytes that all workers ask for together; none where the stage does not say."""
    return needs.workers * (needs.memory or 0)


def _gpus(needs: Resources, has: Capacity) -> Iterator[Shortfall]:
    if needs.total_gpus > has.gpus:
        yield Shortfall(
            "gpusPerWorker",
            phrase(N_("GPUs needed at once: {asked}, there are: {there}"), asked=needs.total_gpus, there=has.gpus),
            phrase(N_("Ask for fewer workers or GPUs")) if has.gpus else phrase(N_("Take gpusPerWorker away")),
        )
        return
    asked = needs.accelerator if needs.gpus_per_worker else None
    if asked and has.accelerators and not any(may_be_same(asked, kind) for kind in has.accelerators):
        known = ", ".join(has.accelerators)
        yield Shortfall(
            "accelerator",
            phrase(N_("it needs {accelerator}, and there are only {known}"), accelerator=asked, known=known),
            phrase(N_("Ask for one of {known}"), known=known),
        )


def is_of(accelerator: str, kind: str) -> bool:
    """Whether a GPU of the type that is asked for is of a kind: ``H100-80GB`` is what Ray calls ``H100``, and
    ``A100-40GB`` what it calls ``A100-40G``."""
    return accelerator in (kind, f"{kind}B") or accelerator.startswith(f"{kind}-")


def may_be_same(one: str, other: str) -> bool:
    """Whether two names can mean the same GPU: of a family and of a product of it, either may be said."""
    return is_of(one, other) or is_of(other, one)


def _cores(needs: Resources, has: Capacity) -> Shortfall:
    reason = phrase(
        N_("CPU cores needed at once: {asked}, there are: {there}"),
        asked=f"{needs.total_cpus:g}",
        there=f"{has.cpus:g}",
    )
    if needs.workers == 1:
        return Shortfall(
            "cpusPerWorker", reason, phrase(N_("Ask for no more cores than {there}"), there=f"{has.cpus:g}")
        )
    return Shortfall("workers", reason, phrase(N_("Ask for fewer workers, or for fewer cores each")))
