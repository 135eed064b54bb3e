"""Run a plan, or go on with a run, to the end, and say what came of it.

The right to drive comes first: whoever is refused it has changed nothing, and leaves no run behind that would wait.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bongsu.domain.phrases import Words
from bongsu.domain.plan import RunPlan
from bongsu.domain.problems import Problem, Translate
from bongsu.service.driving import Driven, open_driver
from bongsu.service.platform import Platform
from bongsu.service.resuming import resume
from bongsu.service.showing import RunDetails, show_run
from bongsu.service.submitting import Submission, submit
from bongsu.service.variants import Variant, variants
from bongsu.service.watching import RunProgress

OnUpdate = Callable[[RunProgress], None]


@dataclass(frozen=True)
class Outcome:
    """What came of a run.

    Attributes:
        problem: why there is no success: the run failed or was cancelled.
        undelivered: how many records wait for the tracking server, and ``trouble`` why.
    """

    details: RunDetails
    variants: tuple[Variant, ...]
    problem: Problem | None = None
    undelivered: int = 0
    trouble: Words = ""


def run_plan(
    platform: Platform,
    plan: RunPlan,
    on_begin: Callable[[Submission], None] | None = None,
    on_update: OnUpdate | None = None,
) -> Outcome:
    """Submit a plan and drive its run; an unfinished run of the same plan goes on.

    Args:
        platform: what to work on.
        plan: what to run.
        on_begin: called once it is known which run this is.
        on_update: as of :meth:`bongsu.service.driving.Driving.drive`.

    Raises:
        BongsuError: ``run.driven-elsewhere``; nothing was submitted then.
    """
    with open_driver(platform) as driving:
        if any(planned.cache.runs for planned in plan.stages):
            platform.warm_up()
        submission = submit(platform, plan)
        if on_begin:
            on_begin(submission)
        driven = driving.drive([submission.run.id], on_update)
    return outcome_of(platform, driven)


def resume_run(
    platform: Platform,
    run: str,
    on_begin: Callable[[str, str], None] | None = None,
    on_update: OnUpdate | None = None,
) -> Outcome:
    """Go on with a run.

    Args:
        platform: what to work on.
        run: as a person names it.
        on_begin: called with the run's id and its pipeline once it is known which run this is.
        on_update: as of :meth:`bongsu.service.driving.Driving.drive`.

    Raises:
        BongsuError: ``run.driven-elsewhere`` and what :func:`bongsu.service.resuming.resume` raises; nothing was
            changed then.
    """
    with open_driver(platform) as driving:
        record = resume(platform, run)
        if on_begin:
            on_begin(record.id, record.pipeline)
        platform.warm_up()
        driven = driving.drive([record.id], on_update)
    return outcome_of(platform, driven)


def outcome_of(platform: Platform, driven: Driven) -> Outcome:
    """What came of the one run that was driven."""
    (record,) = driven.runs
    details = show_run(platform, record.id)
    found = tuple(variants(platform, record.id))
    return Outcome(details, found, details.problem, driven.undelivered, driven.trouble)


def save_picture(platform: Platform, outcome: Outcome, translate: Translate = str) -> Path | None:
    """Draw size against perplexity into a file; None if nothing was measured."""
    if not outcome.variants:
        return None
    from bongsu.service.report.pictures import save_frontier

    return save_frontier(platform, outcome.details.run.id, outcome.variants, translate)
